// The page of the party: the browser's own WebSocket and JSON text frames, no library.
//
//   we send      {"event":"say","data":{"message":"hi"}}           an event
//                {"event":"connection","data":{…},"id":1}          an event that wants an answer
//   we receive   {"event":"said","data":{…}}                       an event
//                {"ack":1,"data":{…}}  {"ack":1,"error":{…}}       the answer to what we sent with id 1
//                {"error":{"code":"…","message":"…"}}              something we sent could not be done

const JOIN_ID = 1
const JOIN_PATIENCE = 10_000 // milliseconds
const LOG_LENGTH = 500 // entries

const byId = (id) => document.getElementById(id)
const log = byId('log')
const lanterns = document.querySelectorAll('.lantern')

let line // the WebSocket in use
let name // ours, as given in the form
let guests // how many there are; undefined while we are not at the party
let sawMyselfJoin // our own arrival is announced to us as well, but the answer has counted it

// The line: open it, send on it, hear from it.

function join() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/party`)
  line = socket
  sawMyselfJoin = false
  showState('connecting', 'Connecting…')

  socket.onopen = () => send({ event: 'connection', data: { user: name }, id: JOIN_ID })
  socket.onmessage = ({ data }) => socket === line && receive(JSON.parse(data))
  socket.onclose = ({ reason }) => socket === line && hungUp(reason)
  setTimeout(() => guests === undefined && socket.close(), JOIN_PATIENCE)
}

function send(frame) {
  line.send(JSON.stringify(frame))
}

function receive(frame) {
  if (frame.ack === JOIN_ID) return frame.error ? turnedAway(frame.error) : letIn(frame.data)
  if (frame.error) return note('error', `Sorry, that did not work. ${frame.error.message}`)
  onEvent[frame.event]?.(frame.data)
}

const onEvent = {
  user_joined({ message, timestamp }) {
    note('joined', message, { timestamp })
    if (!sawMyselfJoin && message.includes(` ${name} `)) sawMyselfJoin = true
    else if (guests !== undefined) showGuests(guests + 1)
  },
  user_left({ user }) {
    note('left', `${user} went home.`)
    if (guests !== undefined) showGuests(guests - 1)
  },
  said({ user, message, timestamp }) {
    note('said', message, { user, timestamp })
  },
  welcome({ message }) {
    note('welcome', message)
  },
  receive_client({ user }) {
    note(
      'host',
      user === name
        ? `You are the first here, ${user}: the door is yours.`
        : `You opened the door for ${user}.`,
    )
  },
}

// In and out of the party.

function letIn(answer) {
  byId('invitation').hidden = true
  byId('room').hidden = false
  showState('open', 'Connected')
  showGuests(answer.guests)
  byId('message').focus()
}

function turnedAway(error) {
  line.close()
  line = undefined // so that its closing is not news
  showInvitation(`Sorry, you could not come in. ${error.message}`)
}

function hungUp(reason) {
  if (byId('room').hidden) return showInvitation('Nobody answers the door. Please try again in a moment.')
  const what = guests === undefined ? 'Nobody answers the door just yet.' : 'The line has closed.'
  byId('closed-reason').textContent = reason ? `${what} (${reason})` : what
  showState('closed', 'Disconnected')
  if (guests === undefined) byId('come-back').focus()
  showGuests(undefined)
}

// What is seen. Whatever came over the line goes in as textContent, never as HTML.

function showInvitation(problem) {
  byId('invitation').hidden = false
  byId('room').hidden = true
  byId('join-problem').textContent = problem
  showState('idle', 'Not connected')
  byId('name').focus()
}

function showState(state, text) {
  byId('status').textContent = text
  byId('status').dataset.state = state
  byId('join').disabled = byId('come-back').disabled = state === 'connecting'
  byId('send').disabled = state !== 'open'
  if (state !== 'connecting') byId('closed').hidden = state !== 'closed'
}

function showGuests(count) {
  guests = count
  byId('guests').textContent = count === undefined ? '' : count === 1 ? '1 guest' : `${count} guests`
  for (const [i, lantern] of lanterns.entries()) lantern.classList.toggle('lit', i < count)
}

function note(kind, text, { user, timestamp = Date.now() } = {}) {
  const entry = document.createElement('li')
  entry.dataset.kind = kind
  if (user !== undefined) entry.append(element('b', user))
  entry.append(element('span', text))
  entry.append(
    element('time', new Date(timestamp).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })),
  )
  if (user === name) entry.classList.add('mine')
  log.append(entry)
  if (user === name) log.parentElement.scrollTop = 0 // its newest end, see style.css
  if (log.children.length > LOG_LENGTH) log.firstElementChild.remove()
}

function element(tag, text) {
  const made = document.createElement(tag)
  made.textContent = text
  return made
}

// What is done.

byId('join-form').addEventListener('submit', (submit) => {
  submit.preventDefault()
  name = byId('name').value.trim()
  byId('join-problem').textContent = ''
  join()
})

byId('say-form').addEventListener('submit', (submit) => {
  submit.preventDefault()
  const message = byId('message').value.trim()
  if (message) send({ event: 'say', data: { message } })
  byId('message').value = ''
})

byId('come-back').addEventListener('click', join)
