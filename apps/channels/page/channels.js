// The page of the channels: one plain WebSocket for each audience, so that what comes on it needs no envelope.
import { byId, element, onSubmit, take, write } from '/shared/page.js'
import { Line } from './line.js'

const AUDIENCES = ['broadcast', 'user', 'group', 'session']

/** By audience, those that there are. */
const lines = new Map()
const states = new Map()

let facility = new URLSearchParams(location.search).get('facility') || 'foobar'
let me

const panel = (audience) => document.querySelector(`[data-audience="${audience}"]`)

function showState() {
  const all = [...states.values()]
  const state = all.find((one) => one !== 'open') ?? 'open'
  const words = {
    open: 'Connected',
    connecting: 'Connecting…',
    reconnecting: 'Reconnecting…',
    closed: 'Disconnected',
  }
  byId('status').textContent = words[state]
  byId('status').dataset.state = state
}

/** Listens anew: to everybody's channel, and where somebody is signed in to their own. */
function listen() {
  for (const line of lines.values()) line.close()
  lines.clear()
  states.clear()
  for (const audience of AUDIENCES) {
    const [log] = panel(audience).getElementsByClassName('log')
    log.replaceChildren()
    const isTheirs =
      audience === 'broadcast' || (me !== undefined && (audience !== 'group' || me.groups.length > 0))
    panel(audience).toggleAttribute('data-off', !isTheirs)
    for (const control of panel(audience).querySelectorAll('input, button')) control.disabled = true
    panel(audience).querySelector('.address').textContent = ''
    if (isTheirs) lines.set(audience, open(audience, log))
  }
  showState()
}

function open(audience, log) {
  const line = new Line(facility, audience, {
    message(data) {
      const isText = typeof data === 'string'
      write(log, { kind: isText ? 'said' : 'bytes', text: isText ? data : `${data.byteLength} bytes` })
    },
    state(state) {
      states.set(audience, state)
      for (const control of panel(audience).querySelectorAll('input, button'))
        control.disabled = state !== 'open'
      showState()
    },
  })
  const { pathname, search } = new URL(line.url)
  panel(audience).querySelector('.address').textContent = pathname + search
  return line
}

for (const audience of AUDIENCES) {
  onSubmit(`publish-${audience}`, () => {
    const [text, putBack] = take(`text-${audience}`)
    if (text !== '' && !lines.get(audience)?.send(text)) putBack()
  })
}

// Who we are.

/** The answer, or an error with what the server says. */
async function ask(path, body) {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const answer = await response.json()
  if (response.ok) return answer
  throw Object.assign(new Error(answer.error.message), answer.error)
}

function showMe() {
  byId('sign-in-form').hidden = me !== undefined
  byId('me').hidden = me === undefined
  byId('me-name').textContent = me?.user ?? ''
  byId('me-groups').replaceChildren(...(me?.groups ?? []).map((group) => element('li', group)))
  listen()
}

async function attempt(problem, what) {
  byId(problem).textContent = ''
  try {
    await what()
  } catch (error) {
    const faults = (error.details ?? []).map?.(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
    byId(problem).textContent = [error.message, ...faults].join('; ')
  }
}

onSubmit('sign-in-form', () =>
  attempt('sign-in-problem', async () => {
    const groups = byId('groups').value.split(/[\s,]+/)
    me = await ask('/login', { user: byId('user').value.trim(), groups: groups.filter((one) => one !== '') })
    showMe()
  }),
)

byId('sign-out').addEventListener('click', () =>
  attempt('sign-in-problem', async () => {
    await ask('/logout', {})
    me = undefined
    showMe()
  }),
)

onSubmit('facility-form', () => {
  facility = byId('facility').value.trim()
  history.replaceState(undefined, '', `?facility=${encodeURIComponent(facility)}`)
  listen()
})

// By HTTP, to whoever asks.

onSubmit('self-form', () =>
  attempt('self-answer', async () => {
    const to = [...byId('self-form').querySelectorAll('[name="to"]:checked')].map(({ value }) => value)
    const { published } = await ask('/self', { facility, to, text: byId('self-text').value })
    byId('self-answer').textContent =
      `Published to ${published.map(({ key }) => key).join(', ') || 'nobody'}.`
  }),
)

byId('facility').value = facility
me = await ask('/me').catch(() => undefined)
showMe()
