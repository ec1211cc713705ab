import { BuildError, Container, closure, type Definition } from '../container/mod.ts'
import { PartylineError } from '../protocol/error.ts'
import type { Logger } from './logger.ts'
import type { Socket } from './socket.ts'

/** Where the instances of one gateway come from: one for the app, for each connection, or for each event. */
export class Instances {
  readonly #app: Container
  readonly #gateway: Definition
  /** The definition under which a connection's own socket is injected. */
  readonly #socket: Definition
  readonly #logger: Logger
  #needed: readonly Definition[] = []
  #instance: unknown

  constructor(app: Container, gateway: Definition, socket: Definition, logger: Logger) {
    this.#app = app
    this.#gateway = gateway
    this.#socket = socket
    this.#logger = logger
  }

  /** To be called once, when the app's own instances are built. */
  start(): void {
    this.#needed = closure(this.#app.registry, this.#gateway)
    if (this.#gateway.scope === 'app') this.#instance = this.#app.get(this.#gateway.token)
  }

  /** A container for one connection, empty as yet; undefined where nothing is built for connections or events. */
  connect(socket: Socket): Container | undefined {
    if (this.#gateway.scope === 'app') return undefined
    const container = new Container(this.#app, 'connection')
    container.give(this.#socket, socket)
    return container
  }

  /** Builds what the gateway needs for one connection. Returns a promise only where an asynchronous factory does. */
  prepare(connection: Container | undefined): void | Promise<void> {
    return connection?.prepare(this.#needed)
  }

  /** The gateway that serves all of a connection's events; undefined where each event has its own. */
  of(connection: Container | undefined): unknown {
    return this.#gateway.scope === 'connection' ? connection?.get(this.#gateway.token) : this.#instance
  }

  /** Calls with a gateway built for this event, which is disposed of after what the call returns. */
  async forEvent(connection: Container | undefined, call: (gateway: unknown) => unknown): Promise<unknown> {
    const container = new Container(connection, 'event')
    try {
      await container.prepare(this.#needed)
      return await call(container.get(this.#gateway.token))
    } catch (error) {
      // What is built for an event may refuse it, as its handler may: the caller is told.
      throw error instanceof BuildError && error.cause instanceof PartylineError ? error.cause : error
    } finally {
      await container
        .dispose()
        .catch((error) => this.#logger.error({ error }, 'what lived for an event failed to dispose'))
    }
  }
}
