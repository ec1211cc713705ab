import type { Argument, Client } from './library.ts'
import { isReply } from './library.ts'
import type { Terms } from './options.ts'

/** The connection went before an answer came: what was asked for may have been done. */
export class Lost extends Error {
  override readonly name = 'Lost'
}

/** There is no connection, or too much waits on it: nothing was sent. */
export class Unsent extends Error {
  override readonly name = 'Unsent'
}

/** What a line tells of itself. */
export interface LineEvents {
  /** There is a connection. When this has resolved, the line is up; where it rejects, there will be another one. */
  prepare(client: Client): Promise<void>
  up(): void
  /** There is none; `wasUp` for the first time after it was up. */
  down(error: Error, wasUp: boolean): void
}

/** How often in the time within which a server has to answer it is looked whether it does. */
const LOOKS = 3

/** One connection, and what is on it. */
class Connection {
  /** Commands without an answer. */
  unanswered = 0
  /** Their bytes. */
  bytes = 0
  /** How often anything came. */
  signs = 0
  /** How often it was seen so when it was looked last, and how often in a row there was nothing new since something was asked. */
  seen = 0
  silent = 0

  constructor(readonly client: Client) {}

  begin(bytes: number): void {
    // Until now there was nothing to be heard; and the next look may be too soon to count.
    if (this.unanswered === 0) this.silent = -1
    this.unanswered++
    this.bytes += bytes
  }

  settle(bytes: number): void {
    this.unanswered--
    this.bytes -= bytes
    this.signs++
  }
}

/**
 * A connection to one Redis server, which is made again for ever. node-redis would do that too; here each attempt has a
 * client of its own, so that nothing is sent twice, nothing queues while there is none, and the waits are by our clock.
 */
export class Line {
  readonly #connect: () => Client
  readonly #terms: Terms
  readonly #events: LineEvents
  #connection: Connection | undefined
  #isUp = false
  #isStarted = false
  #attempt = 0
  #timer: unknown

  constructor(connect: () => Client, terms: Terms, events: LineEvents) {
    this.#connect = connect
    this.#terms = terms
    this.#events = events
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** While it is up, or being prepared. */
  get client(): Client | undefined {
    return this.#connection?.client
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#dial()
  }

  /** Ends the connection, and makes no other. */
  stop(): void {
    this.#isStarted = false
    this.#terms.clock.clearTimeout(this.#timer)
    const connection = this.#connection
    this.#connection = undefined
    this.#isUp = false
    connection?.client.destroy()
  }

  /** Gives the connection up and makes another. */
  reset(error: Error): void {
    if (this.#connection !== undefined) this.#lose(this.#connection, error)
  }

  /** Sends a command at once. Rejects with what the server answers, with `Lost`, or with `Unsent`. */
  send(args: readonly Argument[], bytes: number): Promise<unknown> {
    const connection = this.#open(bytes)
    if (connection instanceof Unsent) return Promise.reject(connection)
    return this.#track(connection, bytes, () => connection.client.sendCommand(args))
  }

  /**
   * The same for a command whose answer nobody waits for: it has no promise of its own. `failed` is told what it would reject
   * with; false is returned instead where it was not sent.
   */
  post(args: readonly Argument[], bytes: number, failed: (error: Error) => void): boolean {
    const connection = this.#open(bytes)
    if (connection instanceof Unsent) return false
    connection.begin(bytes)
    connection.client.sendCommand(args).then(
      () => connection.settle(bytes),
      (error) => {
        connection.settle(bytes)
        failed(lossOf(error))
      },
    )
    return true
  }

  /** Does something with a client that the server will answer, in the same time as anything else. */
  async use<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const connection = this.#connection
    if (connection === undefined) throw new Unsent('there is no connection')
    return this.#track(connection, 0, () => ask(connection.client))
  }

  /** Something came without being asked for: the server is alive. */
  sign(): void {
    if (this.#connection !== undefined) this.#connection.signs++
  }

  #dial(): void {
    const connection = new Connection(this.#connect())
    const { client } = connection
    this.#connection = connection
    const lost = (error: unknown): void => this.#lose(connection, asError(error))
    client.on('error', lost)
    client.on('end', () => lost(new Error('the connection ended')))
    this.#look(connection)
    this.#track(connection, 0, () => client.connect())
      .then(() => this.#track(connection, 0, () => client.sendCommand(['PING'])))
      .then(() => this.#events.prepare(client))
      .then(() => {
        if (this.#connection !== connection) return
        this.#isUp = true
        this.#attempt = 0
        this.#events.up()
      })
      .catch(lost)
  }

  #lose(connection: Connection, error: Error): void {
    if (this.#connection !== connection) return
    const { clock, retry } = this.#terms
    const wasUp = this.#isUp
    this.#connection = undefined
    this.#isUp = false
    connection.client.destroy()
    clock.clearTimeout(this.#timer)
    const ceiling = Math.min(retry.max, retry.min * 2 ** this.#attempt++)
    // By chance, for else all nodes would come back together.
    this.#timer = clock.setTimeout(() => this.#dial(), Math.random() * ceiling)
    this.#events.down(error, wasUp)
  }

  /** The connection, if so much more may be put on it. */
  #open(bytes: number): Connection | Unsent {
    const connection = this.#connection
    if (!this.#isUp || connection === undefined) return new Unsent('there is no connection')
    return connection.unanswered > 0 && connection.bytes + bytes > this.#terms.queue
      ? new Unsent('too much waits')
      : connection
  }

  /** Counts it as unanswered until it is. One promise more, and no async function. */
  #track<T>(connection: Connection, bytes: number, ask: () => Promise<T>): Promise<T> {
    connection.begin(bytes)
    return ask().then(
      (answer) => {
        connection.settle(bytes)
        return answer
      },
      (error) => {
        connection.settle(bytes)
        throw lossOf(error)
      },
    )
  }

  /**
   * Looks again and again whether the server is alive. Looks are counted, not milliseconds: where this process was held up
   * itself, the answers are there and have not been read yet.
   */
  #look(connection: Connection): void {
    const { clock, timeout } = this.#terms
    this.#timer = clock.setTimeout(() => {
      if (this.#connection !== connection) return
      connection.silent = connection.signs === connection.seen ? connection.silent + 1 : 0
      connection.seen = connection.signs
      if (connection.silent >= LOOKS) {
        if (connection.unanswered > 0 || !this.#isUp) {
          this.#lose(connection, new Error(`no answer within ${timeout} ms`))
          return
        }
        this.#track(connection, 0, () => connection.client.sendCommand(['PING'])).catch(() => {})
        connection.silent = 0
      }
      this.#look(connection)
    }, timeout / LOOKS)
  }
}

/** What a server answered, or that the connection to it is gone. */
function lossOf(error: unknown): Error {
  return isReply(error) ? error : new Lost(asError(error).message, { cause: error })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
