import { PATIENCE, type Program } from './program.ts'
import { filled, matches, type Step } from './script.ts'

/** A WebSocket client that keeps what it receives until it is asked for. */
class Client {
  readonly #socket: Bun.WebSocket
  readonly #received: string[] = []
  /** Whether it closes by itself: what the server says to that is no news. */
  #leaves = false
  #changed: () => void = () => {}

  constructor(url: URL, subprotocols: string[]) {
    this.#socket = new WebSocket(url, subprotocols) as unknown as Bun.WebSocket
    this.#socket.onmessage = ({ data }) => this.#take(String(data))
    this.#socket.onclose = ({ code, reason }) => {
      if (!this.#leaves) this.#take(`| ${code} ${reason}`.trim())
    }
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.onopen = () => resolve()
      this.#socket.onerror = () => reject(new Error('the connection was refused'))
    })
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  close(code: number, reason: string): void {
    this.#leaves = true
    this.#socket.close(code, reason)
  }

  /** The next message, or how the connection ended. */
  async next(): Promise<string> {
    if (this.#received.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nothing came')), PATIENCE)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#received.shift() as string
  }

  get unread(): readonly string[] {
    return this.#received
  }

  /** Waits until the server has read all that was sent to it, and has gone if it is to go. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      const isClosing = this.#socket.readyState === WebSocket.CLOSING
      if (this.#socket.readyState === WebSocket.CLOSED) return resolve()
      this.#socket.addEventListener('close', () => resolve())
      // A ping of the WebSocket protocol, which no gateway sees.
      this.#socket.addEventListener('pong', () => resolve())
      if (!isClosing) this.#socket.ping()
    })
  }

  #take(text: string): void {
    this.#received.push(text)
    this.#changed()
  }
}

/** Plays a script against a program, and ends it. Throws, with the line, where something else happens. */
export async function play(script: readonly Step[], program: Program): Promise<void> {
  const url = await program.listening()
  const clients = new Map<string, Client>()
  const client = (name: string): Client => clients.get(name) as Client
  const kept = new Map<string, string>()
  let response: Response | undefined

  async function happen(step: Step): Promise<void> {
    switch (step.kind) {
      case 'connect': {
        const place = new URL(step.path, url)
        place.protocol = 'ws:'
        const arrived = new Client(
          place,
          step.subprotocols.map((one) => filled(one, kept)),
        )
        clients.set(step.client, arrived)
        return arrived.opened()
      }
      case 'send':
        return client(step.client).send(filled(step.text, kept))
      case 'receive':
        return expectText(step.text, await client(step.client).next(), kept)
      case 'close':
        return client(step.client).close(step.code, step.reason)
      case 'closed':
        return expectText(`| ${step.code} ${step.reason}`.trim(), await client(step.client).next())
      case 'printed':
        return expectText(step.text, await program.printed())
      case 'complained':
        return program.complained(step.text)
      case 'request':
        response = await fetch(new URL(step.path, url), { method: step.method, headers: step.headers })
        return
      case 'response':
        return expectText(`${step.status} ${step.text}`, `${response?.status} ${await response?.text()}`)
    }
  }

  for (const step of script) {
    try {
      await happen(step)
    } catch (error) {
      throw new Error(`line ${step.line}: ${(error as Error).message}`)
    }
  }

  // Once for what was sent to the server, and once more for what it sent to others because of that.
  for (const _ of ['there', 'back']) await Promise.all([...clients.values()].map((one) => one.settled()))
  const unread = [...clients.entries()].flatMap(([name, { unread }]) =>
    unread.map((text) => (text.startsWith('| ') ? `${name}<${text}` : `${name}< ${text}`)),
  )
  await program.kill()
  const more = [...unread, ...program.unread.map((line) => `$ ${line}`)]
  if (more.length > 0) throw new Error(`this happened too: ${more.join('\n')}`)
  const expectsComplaints = script.some(({ kind }) => kind === 'complained')
  if (!expectsComplaints && program.complaints !== '') throw new Error(`it complained: ${program.complaints}`)
}

function expectText(expected: string, text: string, kept?: Map<string, string>): void {
  if (!matches(expected, text, kept)) throw new Error(`expected ${expected}\n  and got ${text}`)
}
