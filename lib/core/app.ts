import {
  type AnyClass,
  type Container,
  closure,
  type Definition,
  type Provider,
  type Resolver,
  type Token,
} from '../container/mod.ts'
import { taggedMethods } from '../decorators/tags.ts'
import type { Codec } from '../protocol/codec.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import type { AnyAuthenticator } from '../protocol/identity.ts'
import { assemble } from './boot.ts'
import { Census } from './census.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Address, Host, ListenOptions, Runtime } from './connection.ts'
import type { AnyGuard } from './guard.ts'
import type { Method } from './handler.ts'
import { type Fetch, HttpHost } from './http.ts'
import { type Limits, limitsOf } from './limits.ts'
import { Listeners } from './listeners.ts'
import { consoleLogger, type Logger } from './logger.ts'
import type { AnyMiddleware } from './middleware.ts'
import type { Root } from './modules.ts'
import type { Origins } from './origin.ts'
import { Outbox } from './outbox.ts'
import { failed, refuse } from './refusal.ts'
import type { Route } from './route.ts'
import type { Session } from './session.ts'
import type { Shared, Where } from './shared.ts'
import { SocketList } from './sockets.ts'
import { type AppStats, Stats } from './stats.ts'
import { Stop, type StopOptions } from './stop.ts'
import { type AppSurroundings, surround } from './surround.ts'
import { Watch } from './watch.ts'

/** Options of `createApp`. */
export interface AppOptions {
  /** Stands before the paths of all gateways. Default none. */
  prefix?: string
  /** Providers that replace those of the same token in any module, for tests and deployments. */
  providers?: readonly Provider[]
  /** Another container, such as a host framework's, for what no module of the app provides. */
  resolver?: Resolver
  /** Codecs beside JSON, for clients that ask for their subprotocols. */
  codecs?: readonly Codec[]
  /** Answers the HTTP requests that are none of the gateways': a page, an API, a Hono app. Default: 404. */
  fetch?: Fetch
  /** Whether the client is served at `/partyline.js`, for pages that take it by a script tag. Default `false`. */
  clientScript?: boolean
  /** What bounds the use of memory and time; see docs/limits.md. */
  limits?: Partial<Limits>
  /** Finds out who asks for a connection, before it is taken in; null is answered with 401. */
  authenticate?: AnyAuthenticator
  /** Decide about every connection (403) and every event (FORBIDDEN), before those of gateways and methods. */
  guards?: readonly AnyGuard[]
  /** Stands around the handlers of all gateways, outside of their own. */
  middleware?: readonly AnyMiddleware[]
  /** Which web pages may connect. Default: those of the same host. */
  origins?: Origins
  /**
   * How many proxies stand in front, one behind the other; they are believed about addresses and hosts (`X-Forwarded-For`,
   * `X-Forwarded-Host`). `true` is one. Default `false`: none.
   */
  trustProxy?: boolean | number
  /** Whether what is emitted and answered is held against its schemas. Default: unless NODE_ENV is `production`. */
  checkOutgoing?: boolean
  /** Sees everything of which clients are told INTERNAL only, or nothing: of gateways and of `fetch`. The log has it too. */
  onError?: (error: unknown, where: Where) => void
  /** Where the app says what happened. Default: the console. */
  logger?: Logger
  /** Where the app takes its time from. Default: the machine's clock. */
  clock?: Clock
}

/** Options of `app.listen`. */
export interface AppListenOptions extends ListenOptions {
  /** Whether SIGINT and SIGTERM stop the app and then end the process. Default `true`. */
  signals?: boolean
}

/** Gateways and what they need, put together; made by `createApp`. */
export class App<R extends Runtime = Runtime> {
  /** Everybody who is connected, on all gateways. */
  readonly sockets: SocketList
  /** What the app runs on. */
  readonly runtime: R
  readonly #shared: Shared
  readonly #container: Container
  readonly #order: readonly Definition[]
  readonly #routes: readonly Route[]
  readonly #http: HttpHost
  readonly #surroundings: AppSurroundings
  readonly #onError: AppOptions['onError']
  #starting: Promise<void> | undefined
  #started = false
  /** What requests wait for, where they come before the start. */
  #awaited: Promise<boolean> | undefined
  #listens = false
  /** Whether what was built is gone, or going. */
  #isOver = false
  #stopping: Promise<void> | undefined
  #ignoreSignals: (() => void) | undefined

  /** Applications call `createApp`, which knows the runtime. Throws a `BootError` with every mistake that it finds. */
  constructor(root: Root, options: AppOptions, runtimeFor: (host: Host) => R) {
    const limits = limitsOf(options.limits)
    this.runtime = runtimeFor({
      limits,
      handle: (request, peer) => this.#handle(request, peer),
      failed: (error) => this.#failed(error),
    })
    const logger = options.logger ?? consoleLogger
    const outbox = new Outbox((task) => this.runtime.defer(task))
    const clock = options.clock ?? systemClock
    const shared = {
      limits,
      logger,
      clock,
      outbox,
      signals: new Listeners(logger),
      sessions: new Set<Session>(),
      stats: new Stats(),
      census: new Census(),
      report: (error: unknown, message: string, where: Where) => this.#report(error, message, where),
    }
    this.#onError = options.onError
    this.#surroundings = {
      authenticate: options.authenticate,
      guards: options.guards ?? [],
      middleware: options.middleware ?? [],
      checkOutgoing: options.checkOutgoing ?? false,
    }
    this.#shared = { ...shared, watch: new Watch(shared) }
    const proxies = Number(options.trustProxy ?? 0)
    const { container, order, paths } = assemble({
      root,
      overrides: options.providers ?? [],
      resolver: options.resolver,
      prefix: options.prefix ?? '',
      codecs: options.codecs ?? [],
      runtime: this.runtime,
      shared: this.#shared,
      surroundings: this.#surroundings,
      proxies,
    })
    this.#container = container
    this.#order = order
    this.#routes = paths.map(({ route }) => route)
    this.#http = new HttpHost(paths, this.#shared, options.fetch, {
      origins: options.origins,
      proxies,
      clientScript: options.clientScript ?? false,
    })
    this.sockets = new SocketList(...this.#routes.map(({ rooms }) => rooms))
  }

  /**
   * For a server of your own, in place of `listen`: answers an HTTP request, and takes WebSocket connections in, with what
   * the runtime passes to such functions.
   *
   * @example
   * ```ts
   * import { createApp, Gateway } from 'partyline'
   *
   * @Gateway('/party')
   * class PartyGateway {}
   *
   * const app = createApp(PartyGateway)
   * Bun.serve({
   *   port: 0,
   *   routes: { '/about': new Response('a party') },
   *   fetch: app.fetch,
   *   websocket: app.websocket,
   * })
   * ```
   */
  get fetch(): R['fetch'] {
    return this.runtime.fetch
  }

  /** For a server of your own, as its `websocket`, where the runtime has such a thing; see `fetch`. */
  get websocket(): R['websocket'] {
    return this.runtime.websocket
  }

  /** What a token stands for in this app; for code that the container did not build. After `ready` or `listen`. */
  get<T>(token: Token<T>): T {
    return this.#container.get(token)
  }

  /**
   * Builds what lives as long as the app, waiting for asynchronous factories. `listen` and the first request do it too.
   * Where it fails, what was built is disposed of, and the next call tries again.
   */
  ready(): Promise<void> {
    this.#starting ??= this.#begin()
    return this.#starting
  }

  /**
   * Starts to serve. SIGINT and SIGTERM then stop the app and end the process.
   *
   * @throws PartylineError LISTEN_FAILED where the port is in use, or port, host or permission are wrong; where the app
   *   listens already, or was stopped.
   */
  async listen({ signals = true, ...where }: AppListenOptions = {}): Promise<Address> {
    if (this.#stopping !== undefined) throw stopped()
    if (this.#listens) throw cannotListen('this app listens already, and an app listens in one place')
    this.#listens = true
    try {
      await this.ready()
      if (this.#stopping !== undefined) throw stopped()
      const address = await this.runtime.listen(where)
      if (this.#stopping !== undefined) throw stopped()
      if (signals) this.#ignoreSignals = this.runtime.onShutdown(() => this.stop())
      return address
    } catch (error) {
      this.#listens = false
      throw error
    }
  }

  /** Whether a gateway is at a path, such as `/party`; for a server of your own that others share. */
  serves(path: string): boolean {
    return this.#http.serves(path)
  }

  /** The app in figures: who is there, and how often each limit was reached since it began. */
  stats(): AppStats {
    const rooms = this.#routes.reduce((sum, route) => sum + route.rooms.count, 0)
    const recoveries = this.#routes.flatMap(({ recovery }) => recovery ?? [])
    const suspended = recoveries.reduce((sum, { suspended }) => sum + suspended.size, 0)
    const keptBytes = recoveries.reduce((sum, { log }) => sum + log.bytes, 0)
    return { sockets: this.sockets.size, suspended, rooms, keptBytes, ...this.#shared.stats.counters }
  }

  /**
   * Ends it all in good order: takes nobody in any more, lets handlers, their acks and pages finish, closes every socket
   * with 1001, waits for `@OnClose`, disposes of the providers, and ends the server that `listen` started. A server of your
   * own, as of `Bun.serve`, goes on, and is answered 503. What is not done by its share of the deadline is cut off.
   */
  stop({ deadline = 10_000 }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(deadline)
    return this.#stopping
  }

  async #begin(): Promise<void> {
    if (this.#stopping !== undefined) throw stopped()
    try {
      await this.#start()
    } catch (error) {
      await this.#dispose()
      this.#container.renew()
      this.#starting = undefined
      throw error
    }
  }

  async #start(): Promise<void> {
    // Asynchronous factories first, so that a field initialiser's inject() finds what they made.
    const factories = this.#order.filter(({ source }) => source.kind === 'factory')
    const needed = factories.flatMap((definition) => closure(this.#container.registry, definition))
    await this.#container.prepare([...new Set([...needed, ...this.#order])])
    if (this.#isOver) throw stopped()
    for (const route of this.#routes) {
      route.instances.start()
      surround(route, this.#container, this.#surroundings)
    }
    // Several tokens may stand for the same instance.
    for (const instance of new Set(this.#container.instances)) this.#connectSignals(instance)
    this.#container.onBuilt = (instance) => this.#connectSignals(instance)
    this.#shared.watch.start()
    this.#started = true
  }

  #report(error: unknown, message: string, where: Where): void {
    const { socket, ...place } = where
    this.#shared.stats.count('internalErrors')
    this.#shared.logger.error({ ...place, ...(socket && { socket: socket.id }), error }, message)
    try {
      this.#onError?.(error, where)
    } catch (failure) {
      this.#shared.logger.error({ error: failure }, 'onError failed')
    }
  }

  #connectSignals(instance: unknown): void {
    if (typeof instance !== 'object' || instance === null) return
    for (const { name, tag } of taggedMethods(instance.constructor as AnyClass)) {
      if (tag.kind !== 'signal') continue
      const listener = (...args: unknown[]): unknown =>
        (instance as Record<string | symbol, Method>)[name]?.(...args)
      this.#shared.signals.listen(tag, listener)
    }
  }

  #handle(...[request, peer]: Parameters<Host['handle']>): ReturnType<Host['handle']> {
    // Stopped before it began, it has nothing to hide either.
    if (this.#started || this.#stopping !== undefined) return this.#decide(request, peer)
    return this.#startForRequest().then((started) =>
      started || this.#stopping !== undefined
        ? this.#decide(request, peer)
        : refuse(503, 'UNAVAILABLE', 'the server could not start', { 'retry-after': '5' }),
    )
  }

  #decide(...[request, peer]: Parameters<Host['handle']>): ReturnType<Host['handle']> {
    try {
      const verdict = this.#http.handle(request, peer)
      return verdict instanceof Promise ? verdict.catch((error: unknown) => this.#failed(error)) : verdict
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** Whether the app is there; where it is not, that is logged, once for all requests that waited. */
  #startForRequest(): Promise<boolean> {
    this.#awaited ??= this.ready()
      .then(
        () => true,
        (error: unknown) => {
          this.#report(error, 'the app could not start', {})
          return false
        },
      )
      .finally(() => {
        this.#awaited = undefined
      })
    return this.#awaited
  }

  #failed(error: unknown): Response {
    this.#report(error, 'an HTTP request could not be handled', {})
    return failed()
  }

  async #stop(milliseconds: number): Promise<void> {
    this.#http.draining = true
    this.#http.closed = !this.#started
    const dispose = (): Promise<void> => {
      this.#isOver = true
      return this.#dispose()
    }
    const { runtime } = this
    const parts = { shared: this.#shared, http: this.#http, runtime, starting: this.#starting, dispose }
    await new Stop(parts, milliseconds).run()
    this.#ignoreSignals?.()
  }

  async #dispose(): Promise<void> {
    try {
      await this.#container.dispose()
    } catch (error) {
      this.#shared.logger.error({ error }, 'providers failed to dispose')
    }
  }
}

function stopped(): PartylineError {
  return cannotListen('this app was stopped. Make another with createApp')
}

function cannotListen(reason: string): PartylineError {
  return withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen: ${reason}`))
}
