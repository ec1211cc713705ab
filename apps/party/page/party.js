// The page of the party, by partyline/client, which the app serves at /partyline.js. It comes back by itself when the line
// breaks. The gateway keeps no sessions, so that each line begins with coming in.
import { byId, onSubmit, showStates, take, write } from '/shared/page.js'

const lanterns = document.querySelectorAll('.lantern')

let name // ours, once we want to come in
let guests // how many there are; undefined while we are not at the party

const party = partyline.connect('/party')
showStates(party)

// The one place where we come in: at first, and whenever there is a line again.
party.when('open', () => name !== undefined && comeIn())

async function comeIn() {
  try {
    // It waits no longer than the line lasts; the next one begins here again.
    const answer = await party.call('connection', { user: name }, { timeout: Infinity })
    byId('invitation').hidden = true
    byId('room').hidden = false
    showGuests(answer.guests)
    byId('message').focus()
  } catch (error) {
    if (error.code !== 'DISCONNECTED') turnedAway(error)
  }
}

function turnedAway(error) {
  name = undefined
  byId('invitation').hidden = false
  byId('room').hidden = true
  byId('join-problem').textContent = `Sorry, you could not come in: ${error.message}`
  byId('name').focus()
}

// What happens. The answer that lets us in has counted ourselves, and everybody before us.

party
  .on('user_joined', ({ message, timestamp }) => {
    note('joined', message, { timestamp })
    if (guests !== undefined) showGuests(guests + 1)
  })
  .on('user_left', ({ user }) => {
    note('left', `${user} went home.`)
    if (guests !== undefined) showGuests(guests - 1)
  })
  .on('said', ({ user, message, timestamp }) => note('said', message, { who: user, timestamp }))
  .on('welcome', ({ message }) => note('welcome', message))
  .on('receive_client', ({ user }) => {
    const isUs = user === name
    note(
      'host',
      isUs ? `You are the first here, ${user}: the door is yours.` : `You opened the door for ${user}.`,
    )
  })
  .when('reconnecting', () => showGuests(undefined))
  .when('suspended', () => showGuests(undefined))

// What is seen.

function note(kind, text, { who, timestamp } = {}) {
  // Who only looks through the window hears the party, and is not at it.
  if (name === undefined) return
  write(byId('log'), { kind, text, who, timestamp, isMine: who === name })
}

function showGuests(count) {
  guests = count
  byId('guests').textContent = count === undefined ? '' : count === 1 ? '1 guest' : `${count} guests`
  for (const [i, lantern] of lanterns.entries()) lantern.classList.toggle('lit', i < count)
}

// What is done.

onSubmit('join-form', () => {
  name = byId('name').value.trim()
  byId('join-problem').textContent = ''
  return comeIn()
})

// Not waited for: the next can be said before this one is answered.
onSubmit('say-form', () => {
  say()
})

async function say() {
  const [message, putBack] = take('message')
  if (message === '') return
  try {
    await party.call('say', { message })
  } catch (error) {
    putBack()
    note('error', `Sorry, that did not work: ${error.message}`)
  }
}
