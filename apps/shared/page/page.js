// What the pages of the apps share: how they show the state of their line, and what comes over it.

const LOG_LENGTH = 500 // entries

export const byId = (id) => document.getElementById(id)

export function element(tag, text = '', className = '') {
  const made = document.createElement(tag)
  // Whatever came over the line goes in as text, never as HTML.
  made.textContent = text
  made.className = className
  return made
}

/** Does something when a form is submitted. While that has not finished, further submits are ignored. */
export function onSubmit(id, what) {
  let isBusy = false
  byId(id).addEventListener('submit', async (submit) => {
    submit.preventDefault()
    if (isBusy) return
    isBusy = true
    try {
      await what()
    } finally {
      isBusy = false
    }
  })
}

/** Empties a field for what comes next; gives what was in it, and how to put it back where that came to nothing. */
export function take(id) {
  const field = byId(id)
  const { value } = field
  field.value = ''
  const putBack = () => {
    field.value ||= value
  }
  return [value.trim(), putBack]
}

/**
 * Shows the state of a client from `partyline/client`: in a word in `#status`, and in `#notice` where a person should know
 * more. What is marked `data-live` can be used while there is a line.
 */
export function showStates(client) {
  const show = (state, word, notice = '') => {
    byId('status').textContent = word
    byId('status').dataset.state = state
    byId('notice').hidden = notice === ''
    byId('notice').dataset.state = state
    byId('notice-text').textContent = notice
    byId('start-again').hidden = state !== 'closed'
    for (const control of document.querySelectorAll('[data-live]')) control.disabled = state !== 'open'
  }
  byId('start-again').addEventListener('click', () => location.reload())
  show('connecting', 'Connecting…')
  client
    .when('open', () => show('open', 'Connected'))
    .when('reconnecting', () => show('reconnecting', 'Reconnecting…', 'The line has gone. Trying again…'))
    .when('suspended', () => show('suspended', 'Offline', 'You are offline. It goes on when you are back.'))
    .when('closed', ({ reason }) =>
      show('closed', 'Disconnected', `The line has closed${reason && `: ${reason}`}.`),
    )
}

/** Adds an entry to a log: of some kind, a text, and of what somebody said also who it was and whether that is us. */
export function write(log, { kind, text, who, timestamp = Date.now(), isMine = false }) {
  const entry = element('li')
  entry.dataset.kind = kind
  if (who !== undefined) {
    entry.append(element('b', who, 'person'))
    entry.dataset.tint = tintOf(who)
  }
  const time = new Date(timestamp).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  entry.append(element('span', text), element('time', time))
  log.append(entry)
  if (log.children.length > LOG_LENGTH) log.firstElementChild.remove()
  if (!isMine) return
  entry.classList.add('mine')
  log.parentElement.scrollTop = 0 // its newest end, see panel.css
}

/** One of five colours, always the same for a name. */
export function tintOf(who) {
  return [...who].reduce((sum, one) => (sum * 33 + one.codePointAt(0)) % 1009, 7) % 5
}
