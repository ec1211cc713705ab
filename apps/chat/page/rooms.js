// The rooms that we are in: who is there, what has happened, and which of them is in view.
import { byId, element, tintOf, write } from '/shared/page.js'

/** Who we are, while we are signed in. */
export const me = { name: undefined }

/** By name: who is there, in which order, its log, and how much of that was not seen. */
export const rooms = new Map()

let current // the name of the room in view

export const shown = () => current

/** Somebody has come into a room; where it is us, it is one of ours. */
export function enter(room, who) {
  if (!rooms.has(room)) open(room)
  rooms.get(room).people.add(who)
  note(room, 'joined', who === me.name ? 'You came in.' : `${who} came in.`)
  showPeople()
}

export function leave(room, who) {
  if (who === me.name) return drop(room)
  rooms.get(room)?.people.delete(who)
  note(room, 'left', `${who} went away.`)
  showPeople()
}

export function rename(room, was, now) {
  const people = rooms.get(room)?.people
  people?.delete(was)
  people?.add(now)
  // Our own comes before the answer to our request, so we know ourselves by the old name.
  note(room, 'renamed', was === me.name ? `You are now ${now}` : `${was} is now ${now}`)
  showPeople()
}

/** Who is in a room, as the server says; what came before that is in it already. */
export function setPeople(room, names) {
  const here = rooms.get(room)
  if (here) here.people = new Set(names)
  showPeople()
}

/** Writes something down that happened in a room of ours. */
export function note(room, kind, text, { who, timestamp } = {}) {
  const here = rooms.get(room)
  if (!here) return
  write(here.log.firstElementChild, {
    kind,
    text,
    who,
    timestamp,
    isMine: who !== undefined && who === me.name,
  })
  if (kind === 'said' && room !== current) {
    here.unread++
    showRooms()
  }
}

function open(room) {
  const log = byId('log-template').content.firstElementChild.cloneNode(true)
  log.setAttribute('aria-label', `What happens in ${room}`)
  rooms.set(room, { people: new Set(), log, unread: 0 })
  byId('logs').append(log)
  view(room)
}

function drop(room) {
  rooms.get(room)?.log.remove()
  rooms.delete(room)
  view(room === current ? [...rooms.keys()].at(-1) : current)
}

export function dropAll() {
  for (const room of [...rooms.keys()]) drop(room)
}

/** Brings a room into view, or none. */
export function view(room) {
  current = room
  for (const [other, here] of rooms) here.log.hidden = other !== room
  const here = rooms.get(room)
  if (here) here.unread = 0
  byId('panel-title').textContent = room ?? ''
  byId('panel').classList.toggle('empty', !here)
  for (const id of ['leave', 'say-form', 'people', 'panel-title']) byId(id).hidden = !here
  byId('nowhere').hidden = Boolean(here)
  showRooms()
  showPeople()
}

function showRooms() {
  const items = [...rooms].map(([room, { unread }]) => {
    const button = element('button', room)
    button.type = 'button'
    if (room === current) button.setAttribute('aria-current', 'true')
    if (unread > 0) {
      const count = element('b', unread)
      count.append(element('span', ' new', 'unseen'))
      button.append(' ', count)
    }
    button.addEventListener('click', () => {
      view(room)
      byId('panel-title').focus()
    })
    const item = element('li')
    item.append(button)
    return item
  })
  byId('rooms').replaceChildren(...items)
}

export function showPeople() {
  const people = [...(rooms.get(current)?.people ?? [])]
  byId('people').replaceChildren(
    ...people.map((who) => {
      const item = element('li', who === me.name ? `${who} (you)` : who, 'person')
      item.dataset.tint = tintOf(who)
      return item
    }),
  )
}
