// The page of the chat: the browser's own WebSocket and JSON text frames, no library.
//
//   we send      {"event":"say","data":{"room":"tea","text":"hi"},"id":5}   a request: what we want done
//   we receive   {"ack":5}  {"ack":5,"data":{…}}                            it was done
//                {"ack":5,"error":{"code":"…","message":"…"}}               it was not, and why
//                {"event":"said","data":{"room":"tea","name":"Ada",…}}      what happens in our rooms

const PATIENCE = 10_000 // milliseconds
const LOG_LENGTH = 500 // entries

const byId = (id) => document.getElementById(id)

let line // the WebSocket in use
let lastId = 0
const unanswered = new Map() // id -> what to do with the answer
let name // ours, while we are signed in
const rooms = new Map() // name -> { people: Set of names, log: element, unread: number }
let current // the name of the room in view

// The line: open it, ask over it, hear from it.

function connect() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/chat`)
  line = socket
  showState('connecting', 'Connecting…')
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onclose = ({ reason }) => {
      reject(new Error('nobody answers, please try again in a moment'))
      if (socket === line) hungUp(reason)
    }
  })
  socket.onmessage = ({ data }) => socket === line && receive(JSON.parse(data))
  return opened
}

/** Asks for something; gives the data of the answer, and throws the failure. */
function request(event, data) {
  return new Promise((resolve, reject) => {
    if (line?.readyState !== WebSocket.OPEN) return reject(new Error('the line is closed'))
    const id = ++lastId
    const late = setTimeout(() => answer({ error: { message: 'nobody answers' } }), PATIENCE)
    function answer({ data, error }) {
      clearTimeout(late)
      unanswered.delete(id)
      if (error) reject(Object.assign(new Error(error.message), { code: error.code }))
      else resolve(data)
    }
    unanswered.set(id, answer)
    line.send(JSON.stringify({ event, data, id }))
  })
}

function receive(frame) {
  if (frame.ack !== undefined) unanswered.get(frame.ack)?.(frame)
  else onEvent[frame.event]?.(frame.data)
}

const onEvent = {
  joined({ room, name: who }) {
    const here = enter(room)
    here.people.add(who)
    note(room, 'joined', who === name ? 'You came in.' : `${who} came in.`)
    showPeople()
  },
  left({ room, name: who }) {
    if (who === name) return drop(room)
    rooms.get(room)?.people.delete(who)
    note(room, 'left', `${who} went away.`)
    showPeople()
  },
  renamed({ room, name: now, was }) {
    const people = rooms.get(room)?.people
    people?.delete(was)
    people?.add(now)
    // Our own comes before the answer to our request, so we know ourselves by the old name.
    note(room, 'renamed', was === name ? `You are now ${now}` : `${was} is now ${now}`)
    showPeople()
  },
  said({ room, name: who, text, timestamp }) {
    note(room, 'said', text, { who, timestamp })
  },
}

// What we want done.

async function signIn(wanted) {
  await connect()
  name = (await request('sign_in', { name: wanted })).name
  byId('new-name').value = name
  byId('welcome').hidden = true
  byId('chat').hidden = false
  showState('open', 'Connected')
}

async function join(room) {
  await request('join', { room })
  const { names } = await request('who', { room })
  // Events that came in between are in it already.
  const here = rooms.get(room)
  if (here) here.people = new Set(names)
  showPeople()
}

/** Signs in and joins our rooms anew, after the line was lost. */
async function comeBack() {
  try {
    await signIn(name)
    for (const room of [...rooms.keys()]) await join(room)
    byId('text').focus()
  } catch (error) {
    leaveLine()
    if (error.code === undefined) return hungUp('nobody answers')
    showWelcome(`Sorry, you could not come back: ${error.message}`)
  }
}

/** Does it, and says where it fails. */
async function attempt(what) {
  byId('problem').textContent = ''
  try {
    await what()
  } catch (error) {
    byId('problem').textContent = `Sorry, that did not work: ${error.message}`
  }
}

function hungUp(reason) {
  for (const answer of unanswered.values()) answer({ error: { message: 'the line has closed' } })
  if (byId('chat').hidden) return showState('idle', 'Not connected')
  byId('closed-reason').textContent = reason ? `The line has closed: ${reason}.` : 'The line has closed.'
  showState('closed', 'Disconnected')
}

function leaveLine() {
  const left = line
  line = undefined // so that its closing is not news
  left?.close()
}

// Rooms. Each has a log of its own, of which one is in view.

function enter(room) {
  const known = rooms.get(room)
  if (known) return known
  const log = byId('log-template').content.firstElementChild
  const here = { people: new Set(), log: log.cloneNode(true), unread: 0 }
  here.log.setAttribute('aria-label', `What happens in ${room}`)
  rooms.set(room, here)
  byId('logs').append(here.log)
  view(room)
  return here
}

function drop(room) {
  rooms.get(room)?.log.remove()
  rooms.delete(room)
  view(room === current ? [...rooms.keys()].at(-1) : current)
}

function view(room) {
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

// What is seen. Whatever came over the line goes in as textContent, never as HTML.

function showWelcome(problem) {
  for (const room of [...rooms.keys()]) drop(room)
  byId('chat').hidden = true
  byId('welcome').hidden = false
  byId('sign-in-problem').textContent = problem
  showState('idle', 'Not connected')
  byId('name').focus()
}

function showState(state, text) {
  byId('status').textContent = text
  byId('status').dataset.state = state
  byId('sign-in').disabled = byId('come-back').disabled = state === 'connecting'
  for (const id of ['send', 'join', 'rename', 'leave']) byId(id).disabled = state !== 'open'
  if (state !== 'connecting') byId('closed').hidden = state !== 'closed'
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
    const item = document.createElement('li')
    item.append(button)
    return item
  })
  byId('rooms').replaceChildren(...items)
}

function showPeople() {
  const people = [...(rooms.get(current)?.people ?? [])]
  byId('people').replaceChildren(
    ...people.map((who) => {
      const item = element('li', who === name ? `${who} (you)` : who)
      item.dataset.tint = tintOf(who)
      return item
    }),
  )
}

function note(room, kind, text, { who, timestamp = Date.now() } = {}) {
  const here = rooms.get(room)
  if (!here) return
  const entry = document.createElement('li')
  entry.dataset.kind = kind
  if (who !== undefined) {
    entry.append(element('b', who))
    entry.dataset.tint = tintOf(who)
  }
  entry.append(element('span', text))
  const time = new Date(timestamp).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  entry.append(element('time', time))
  const list = here.log.firstElementChild
  list.append(entry)
  if (list.children.length > LOG_LENGTH) list.firstElementChild.remove()
  if (who === name) {
    entry.classList.add('mine')
    here.log.scrollTop = 0 // its newest end, see style.css
  }
  if (kind === 'said' && room !== current) {
    here.unread++
    showRooms()
  }
}

/** One of five colours, always the same for a name. */
function tintOf(who) {
  return [...who].reduce((sum, one) => (sum * 33 + one.codePointAt(0)) % 1009, 7) % 5
}

function element(tag, text, className = '') {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

// What is done.

function onSubmit(id, what) {
  byId(id).addEventListener('submit', (submit) => {
    submit.preventDefault()
    what()
  })
}

onSubmit('sign-in-form', async () => {
  byId('sign-in-problem').textContent = ''
  try {
    await signIn(byId('name').value)
    view(undefined)
    byId('room').focus()
  } catch (error) {
    leaveLine()
    showWelcome(`Sorry, you could not come in: ${error.message}`)
  }
})

onSubmit('join-form', () =>
  attempt(async () => {
    const room = byId('room').value.trim().normalize('NFC')
    if (rooms.has(room)) view(room)
    else await join(room)
    byId('room').value = ''
    byId('text').focus()
  }),
)

onSubmit('rename-form', () =>
  attempt(async () => {
    name = (await request('rename', { name: byId('new-name').value })).name
    byId('new-name').value = name
    showPeople()
  }),
)

onSubmit('say-form', () =>
  attempt(async () => {
    const text = byId('text').value.trim()
    if (text === '') return
    await request('say', { room: current, text })
    byId('text').value = ''
  }),
)

byId('leave').addEventListener('click', () => attempt(() => request('leave', { room: current })))
byId('come-back').addEventListener('click', comeBack)
