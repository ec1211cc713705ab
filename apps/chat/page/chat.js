// The page of the chat. It comes back by itself when the line breaks, and what was said meanwhile comes after, since the
// gateway keeps sessions for a while.
import { byId, onSubmit, showStates, take } from '/shared/page.js'
import { chat, isSocketio } from './line.js'
import {
  dropAll,
  enter,
  leave,
  me,
  note,
  rename,
  rooms,
  setPeople,
  shown,
  showPeople,
  view,
} from './rooms.js'

byId(isSocketio ? 'over-partyline' : 'over-socketio').hidden = false
showStates(chat)

/** Asks for something. It waits as long as the line may come back, and ends with the session at the latest. */
const ask = (event, data) => chat.call(event, data, { timeout: Infinity })

// The one place where what we are is set up again: whenever the server knows nothing of us any more. Where it does, another
// node may have taken over, which does not know of whom we were told.
chat.when('open', ({ recovered }) => {
  if (me.name === undefined) return
  if (recovered) lookAround()
  else comeBack()
})

async function lookAround() {
  for (const room of [...rooms.keys()])
    await ask('who', { room }).then(
      ({ names }) => setPeople(room, names),
      () => {}, // The next line begins here again.
    )
}

async function comeBack() {
  try {
    await signIn(me.name)
    for (const room of [...rooms.keys()]) {
      note(room, 'gap', 'The line was gone for too long: what happened meanwhile is not here.')
      await join(room)
    }
  } catch (error) {
    // Without a line there is nothing to say: the next one begins here again.
    if (error.code !== 'DISCONNECTED') showWelcome(`Sorry, you could not come back: ${error.message}`)
  }
}

async function signIn(wanted) {
  me.name = (await ask('sign_in', { name: wanted })).name
  byId('new-name').value = me.name
  byId('welcome').hidden = true
  byId('chat').hidden = false
}

async function join(room) {
  await ask('join', { room })
  setPeople(room, (await ask('who', { room })).names)
}

// What happens in our rooms.

chat
  .on('joined', ({ room, name }) => enter(room, name))
  .on('left', ({ room, name }) => leave(room, name))
  .on('renamed', ({ room, name, was }) => rename(room, was, name))
  .on('said', ({ room, name, text, timestamp }) => note(room, 'said', text, { who: name, timestamp }))

// What is done.

function showWelcome(problem) {
  me.name = undefined
  dropAll()
  byId('chat').hidden = true
  byId('welcome').hidden = false
  byId('sign-in-problem').textContent = problem
  byId('name').focus()
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

/** The same with what is in a field, which is back in it where that fails. */
function attemptWith(id, what) {
  return attempt(async () => {
    const [text, putBack] = take(id)
    if (text === '') return
    try {
      await what(text)
    } catch (error) {
      putBack()
      throw error
    }
  })
}

onSubmit('sign-in-form', async () => {
  byId('sign-in-problem').textContent = ''
  try {
    await signIn(byId('name').value)
    view(undefined)
    byId('room').focus()
  } catch (error) {
    showWelcome(`Sorry, you could not come in: ${error.message}`)
  }
})

// Not waited for: who knows where to go next need not wait until they are there.
onSubmit('join-form', () => {
  attemptWith('room', async (text) => {
    const room = text.normalize('NFC')
    if (rooms.has(room)) view(room)
    else await join(room)
    if (byId('room').value === '') byId('text').focus()
  })
})

onSubmit('rename-form', () =>
  attempt(async () => {
    me.name = (await ask('rename', { name: byId('new-name').value })).name
    byId('new-name').value = me.name
    showPeople()
  }),
)

// Not waited for: the next can be said before this one is answered.
onSubmit('say-form', () => {
  attemptWith('text', (text) => ask('say', { room: shown(), text }))
})

byId('leave').addEventListener('click', () => attempt(() => ask('leave', { room: shown() })))
