import type { Manager, ManagerOptions, io as makeSocket, Socket, SocketOptions } from 'socket.io-client'

/** By which ways a client goes. */
export const modes = ['polling', 'websocket', 'upgrade'] as const

export type Mode = (typeof modes)[number]

/** What the cases need of where they run. */
export interface Platform {
  /** That of the unmodified package. */
  readonly io: typeof makeSocket
  readonly WebSocket: typeof globalThis.WebSocket
  /** The server, such as `http://127.0.0.1:3000`. */
  readonly server: string
  /** What breaks lines when it is asked to. */
  readonly control: string
  /** Whether cases run one after another: browsers have six connections to a host, and hold new WebSockets back where many begin. */
  readonly isNarrow?: boolean
}

/** Far above what anything here needs, also where many share the machine. */
const PATIENCE = 20_000

const waysOf: Record<Mode, Partial<ManagerOptions>> = {
  polling: { transports: ['polling'], upgrade: false },
  websocket: { transports: ['websocket'] },
  upgrade: { transports: ['polling', 'websocket'] },
}

/** A case's own clients, which end with it. */
export class World {
  readonly platform: Platform
  readonly mode: Mode
  /** Nobody else's: for rooms and names. */
  readonly name: string = `case ${Math.random()}`
  /** What its connections went through: for the message of what fails. */
  readonly story: string[] = []
  readonly #begin = performance.now()
  readonly #ends: (() => unknown)[] = []

  constructor(platform: Platform, mode: Mode) {
    this.platform = platform
    this.mode = mode
  }

  /** A client of a namespace, over a connection of its own, which comes back quickly. */
  open(namespace = '/', options: Partial<ManagerOptions & SocketOptions> = {}, server?: string): Socket {
    const socket = this.platform.io((server ?? this.platform.server) + namespace, {
      ...waysOf[this.mode],
      forceNew: true,
      reconnectionDelay: 10,
      reconnectionDelayMax: 50,
      ...options,
    })
    const tell = (what: string): void => {
      this.story.push(`${Math.round(performance.now() - this.#begin)} ${namespace} ${what}`)
    }
    socket.io.on('open', () => tell('open'))
    socket.io.on('error', ({ message }) => tell(`failed: ${message}`))
    socket.io.on('close', (reason, details) => {
      const { description, context } = (details ?? {}) as {
        description?: unknown
        context?: { status?: number }
      }
      tell(`closed: ${reason}, ${description}, ${context?.status}`)
    })
    socket.on('connect', () => tell('in'))
    socket.on('disconnect', () => tell('out'))
    this.#ends.push(() => {
      socket.io.reconnection(false)
      socket.disconnect()
      socket.io.engine.close()
    })
    return socket
  }

  /** As `open`, and in. */
  async enter(...args: Parameters<World['open']>): Promise<Socket> {
    const socket = this.open(...args)
    await connected(socket)
    return socket
  }

  /** Waits until a connection goes the way that it is to go by. */
  async settled({ io }: { io: Manager }): Promise<void> {
    const expected = this.mode === 'polling' ? 'polling' : 'websocket'
    await until(() => io.engine.transport.name === expected, `to go by ${expected}`)
  }

  /** A line to the server that can be broken. */
  async proxy(): Promise<Proxy> {
    const ask = async (what: string): Promise<string> => {
      const response = await fetch(`${this.platform.control}/${what}`)
      if (!response.ok) throw new Error(`the proxy failed: ${await response.text()}`)
      return response.text()
    }
    const port = await ask(`start?port=${new URL(this.platform.server).port}`)
    this.#ends.push(() => ask(`stop?proxy=${port}`))
    return {
      url: `http://127.0.0.1:${port}`,
      cut: () => ask(`cut?proxy=${port}`),
      refuse: () => ask(`refuse?proxy=${port}`),
      restore: () => ask(`restore?proxy=${port}`),
    }
  }

  /** Has something done when the case is over. */
  after(end: () => unknown): void {
    this.#ends.push(end)
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }
}

export interface Proxy {
  readonly url: string
  /** Breaks all lines. */
  cut(): Promise<unknown>
  /** The same, and lets nobody in until `restore`. */
  refuse(): Promise<unknown>
  restore(): Promise<unknown>
}

/** Resolves to what is said next under that name: the arguments. */
export function next(
  target: { once(event: string, call: (...args: never[]) => void): unknown },
  event: string,
): Promise<unknown[]> {
  return patiently(
    new Promise((resolve) => target.once(event, (...args: unknown[]) => resolve(args))),
    `the event ${event}`,
  )
}

export async function connected(socket: Socket): Promise<void> {
  if (!socket.connected) await next(socket, 'connect')
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const begin = performance.now()
  while (!condition()) {
    if (performance.now() - begin > PATIENCE) throw new Error(`waited in vain for ${what}`)
    await turn()
  }
}

export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Throws where two things, as JSON and bytes, are not the same. Bytes are what a platform has for them. */
export function same(actual: unknown, expected: unknown): void {
  const [one, other] = [plain(actual), plain(expected)]
  if (one !== other) throw new Error(`expected ${short(other)}, and got ${short(one)}`)
}

function plain(value: unknown): string {
  return JSON.stringify(normal(value)) ?? 'undefined'
}

function normal(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return { bytes: hash(new Uint8Array(value)) }
  if (ArrayBuffer.isView(value))
    return { bytes: hash(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) }
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normal(one)]))
}

/** What bytes are compared by: they themselves where they are few. */
function hash(bytes: Uint8Array): unknown {
  if (bytes.length < 100) return [...bytes]
  return [bytes.length, bytes.reduce((sum, byte) => (sum * 31 + byte) | 0, 7)]
}

const short = (text: string): string =>
  text.length < 500 ? text : `${text.slice(0, 400)}… of ${text.length} characters`
