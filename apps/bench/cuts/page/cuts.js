// Counts both ways, as the gateway does: sends numbers, by turns as events and as requests, and notes down what it hears.
const heard = [] // the server's numbers, as they came
const calls = [] // promises of what each request came to
const lines = { resumed: 0, anew: 0 } // how those after the first began
const errors = []
let sent = 0 // the last number that was sent; they begin with 1
let lost = 0 // what the client itself says that it may have lost
let heardAt = performance.now()
let silence = 0 // the longest, in milliseconds
let timer

const max = Number(new URLSearchParams(location.search).get('backoff'))
const line = partyline.connect('/cuts', {
  onError: (error) => errors.push(String(error)),
  backoff: { max },
})

line
  .when('open', (beginning) => {
    lost += beginning.lost
    if (sent > 0) lines[beginning.recovered ? 'resumed' : 'anew']++
  })
  .on('told', (n) => {
    heard.push(n)
    const now = performance.now()
    silence = Math.max(silence, now - heardAt)
    heardAt = now
  })

function send(n) {
  if (n % 2 === 0) return line.emit('note', n)
  const answered = (answer) => (answer === n ? 'right' : `${answer} for ${n}`)
  calls.push(line.call('ask', n, { timeout: Infinity }).then(answered, (error) => `${error.code} for ${n}`))
}

/** What the tool asks of the page. */
globalThis.cuts = {
  last: () => heard.at(-1) ?? 0,
  begin(rate) {
    const begin = performance.now()
    timer = setInterval(() => {
      while (sent < ((performance.now() - begin) * rate) / 1000) send(++sent)
    }, 1000 / rate)
  },
  /** Ends the sending; gives what there was, once every request is answered, but waits no longer than that. */
  async finish(patience) {
    clearInterval(timer)
    const late = new Promise((resolve) => setTimeout(resolve, patience, 'no answer'))
    const answers = await Promise.all(calls.map((call) => Promise.race([call, late])))
    const wrong = answers.filter((answer) => answer !== 'right')
    return { sent, calls: calls.length, wrong, lost, ...lines, errors }
  },
  /** What it has heard. */
  report: () => ({ heard, silence }),
}
