// A plain WebSocket that hears and publishes to one audience of a facility, and is made again when it breaks.

const LONGEST = 30_000 // milliseconds between two attempts

export class Line {
  #url
  #on
  #socket
  #failures = 0
  #timer

  /** `on` has `message` for what comes, and `state` for what becomes of the line: connecting, open, reconnecting, closed. */
  constructor(facility, audience, on) {
    const { protocol, host } = location
    const ws = protocol.replace('http', 'ws')
    const path = `/ws/${encodeURIComponent(facility)}`
    this.#url = `${ws}//${host}${path}?subscribe-${audience}&publish-${audience}&echo`
    this.#on = on
    this.#open('connecting')
  }

  get url() {
    return this.#url
  }

  /** Whether it went out. */
  send(text) {
    if (this.#socket.readyState !== WebSocket.OPEN) return false
    this.#socket.send(text)
    return true
  }

  close() {
    clearTimeout(this.#timer)
    this.#on.state('closed')
    this.#on = { message() {}, state() {} }
    this.#socket.close(1000)
  }

  #open(state) {
    this.#on.state(state)
    const socket = new WebSocket(this.#url)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => {
      this.#failures = 0
      this.#on.state('open')
    })
    socket.addEventListener('message', ({ data }) => this.#on.message(data))
    socket.addEventListener('close', ({ code }) => {
      // Signed out, or not allowed: to come again would be in vain.
      if (code === 4401 || code === 4403) return this.#on.state('closed')
      this.#on.state('reconnecting')
      const longest = Math.min(LONGEST, 500 * 2 ** this.#failures++)
      this.#timer = setTimeout(() => this.#open('reconnecting'), Math.random() * longest)
    })
    this.#socket = socket
  }
}
