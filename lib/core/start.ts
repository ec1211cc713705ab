import { type AnyClass, type Container, closure, type Definition } from '../container/mod.ts'
import { taggedMethods } from '../decorators/tags.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import type { Cluster } from './cluster.ts'
import type { Method } from './handler.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'
import { type AppSurroundings, surround } from './surround.ts'

/** An app, as far as it has to be started. */
export interface Startable {
  readonly shared: Shared
  readonly container: Container
  /** All that can be built, in an order in which it can. */
  readonly order: readonly Definition[]
  readonly routes: readonly Route[]
  readonly surroundings: AppSurroundings
  readonly cluster: Pick<Cluster, 'start'>
}

/** The start of an app: builds what lives as long as it, which is disposed of where that fails, and at the end. */
export class Start {
  readonly #app: Startable
  #running: Promise<void> | undefined
  #isDone = false
  #isClosed = false
  /** Whether what was built is gone, or going. */
  #isOver = false

  constructor(app: Startable) {
    this.#app = app
  }

  /** Where it has begun. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Where it fails, the next call tries again; all others are one and the same start. */
  run(): Promise<void> {
    this.#running ??= this.#begin()
    return this.#running
  }

  /** The app stops: none is begun any more. One that is running may go on until `dispose`. */
  close(): void {
    this.#isClosed = true
  }

  /** Ends what was built, for good. Never rejects. */
  dispose(): Promise<void> {
    this.#isOver = true
    return this.#dispose()
  }

  async #begin(): Promise<void> {
    if (this.#isClosed) throw stopped()
    try {
      await this.#build()
    } catch (error) {
      await this.#dispose()
      this.#app.container.renew()
      this.#running = undefined
      throw error
    }
  }

  async #build(): Promise<void> {
    const { shared, container, order, routes, surroundings, cluster } = this.#app
    // Asynchronous factories first, so that a field initialiser's inject() finds what they made.
    const factories = order.filter(({ source }) => source.kind === 'factory')
    const needed = factories.flatMap((definition) => closure(container.registry, definition))
    await container.prepare([...new Set([...needed, ...order])])
    if (this.#isOver) throw stopped()
    for (const route of routes) {
      route.instances.start()
      surround(route, container, surroundings)
    }
    // Several tokens may stand for the same instance.
    for (const instance of new Set(container.instances)) this.#connectSignals(instance)
    container.onBuilt = (instance) => this.#connectSignals(instance)
    cluster.start()
    // Last: a start that failed leaves nothing behind that runs.
    shared.watch.start()
    this.#isDone = true
  }

  #connectSignals(instance: unknown): void {
    if (typeof instance !== 'object' || instance === null) return
    for (const { name, tag } of taggedMethods(instance.constructor as AnyClass)) {
      if (tag.kind !== 'signal') continue
      const listener = (...args: unknown[]): unknown =>
        (instance as Record<string | symbol, Method>)[name]?.(...args)
      this.#app.shared.signals.listen(tag, listener)
    }
  }

  async #dispose(): Promise<void> {
    try {
      await this.#app.container.dispose()
    } catch (error) {
      this.#app.shared.logger.error({ error }, 'providers failed to dispose')
    }
  }
}

/** Why an app that was stopped is not begun. */
export function stopped(): PartylineError {
  return cannotListen('this app was stopped. Make another with createApp')
}

export function cannotListen(reason: string): PartylineError {
  return withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen: ${reason}`))
}
