import { memory } from '../broker/memory.ts'
import type { Container, Token } from '../container/mod.ts'
import type { Identity } from '../protocol/identity.ts'
import { assemble, checkHidden } from './boot.ts'
import { Census } from './census.ts'
import { systemClock } from './clock.ts'
import { Cluster } from './cluster.ts'
import type { Address, Host, Runtime } from './connection.ts'
import { AppDialectHost } from './dialect-host.ts'
import { Door } from './door.ts'
import { type FetchInfo, HttpHost } from './http.ts'
import { identify } from './identify.ts'
import { limitsOf } from './limits.ts'
import { Listeners } from './listeners.ts'
import { consoleLogger } from './logger.ts'
import type { Root } from './modules.ts'
import type { AppListenOptions, AppOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { publishRoute } from './publish-route.ts'
import { failed, refuse } from './refusal.ts'
import type { Route } from './route.ts'
import type { Session } from './session.ts'
import type { Shared, Where } from './shared.ts'
import { SocketList } from './sockets.ts'
import { cannotListen, Start, stopped } from './start.ts'
import { type AppStats, Stats } from './stats.ts'
import { Stop, type StopOptions } from './stop.ts'
import { type AppSurroundings, authenticatorFunction } from './surround.ts'
import { Watch } from './watch.ts'

/** Gateways and what they need, put together; made by `createApp`. */
export class App<R extends Runtime = Runtime> {
  /** Everybody who is connected, on all gateways. */
  readonly sockets: SocketList
  /** What the app runs on. */
  readonly runtime: R
  readonly #shared: Shared
  readonly #container: Container
  readonly #routes: readonly Route[]
  readonly #door: Door
  readonly #http: HttpHost
  readonly #cluster: Cluster
  readonly #start: Start
  readonly #surroundings: AppSurroundings
  readonly #onError: AppOptions['onError']
  /** What requests wait for, where they come before the start. */
  #awaited: Promise<boolean> | undefined
  #listens = false
  #stopping: Promise<void> | undefined
  #ignoreSignals: (() => void) | undefined

  /** Applications call `createApp`, which knows the runtime. Throws a `BootError` with every mistake that it finds. */
  constructor(root: Root, options: AppOptions, runtimeFor: (host: Host) => R) {
    const limits = limitsOf(options.limits)
    const dialects = options.dialects ?? []
    // The runtime has one limit for all: those for whom it is lower are held to theirs.
    const payload = Math.max(limits.payload, ...dialects.map((dialect) => dialect.payload))
    this.runtime = runtimeFor({
      limits: { ...limits, payload },
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
    this.#cluster = new Cluster(options.broker ?? memory(), options.broker !== undefined, this.#shared)
    const { container, order, paths } = assemble({
      root,
      overrides: options.providers ?? [],
      resolver: options.resolver,
      prefix: options.prefix ?? '',
      codecs: options.codecs ?? [],
      runtime: this.runtime,
      shared: this.#shared,
      surroundings: this.#surroundings,
      cluster: this.#cluster,
      proxies,
      dialects,
    })
    this.#container = container
    this.#routes = paths.map(({ route }) => route)
    this.#start = new Start({
      shared: this.#shared,
      container,
      order,
      routes: this.#routes,
      surroundings: this.#surroundings,
      cluster: this.#cluster,
    })
    this.#door = new Door(paths, this.#shared)
    this.#http = new HttpHost(this.#door, this.#shared, options.fetch, {
      origins: options.origins,
      proxies,
      clientScript: options.clientScript ?? false,
      payload,
      health: () => this.#cluster.health,
      publish: publishRoute(options.publish, this.#cluster.publisher, (error) => void this.#failed(error)),
    })
    const speaking = dialects.filter(({ codec }) => codec !== undefined)
    this.#http.dialects = dialects.map((dialect) =>
      dialect.open(new AppDialectHost(dialect, speaking.indexOf(dialect), this.#door, this.#shared)),
    )
    checkHidden(paths, this.#http.dialects)
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
   * Who is behind an HTTP request, as the option `authenticate` says; null where nobody is known. For pages, of `fetch` or of a
   * server of your own, that have to know it: to publish to whoever asked, say, as SELF. Gateways' own authenticators are not asked.
   * After `ready` or `listen`.
   *
   * @throws what the authenticator throws, and PartylineError TIMEOUT where it takes longer than `limits.authenticate`
   * @example
   * ```ts
   * import { createApp, Gateway, type Handshake, Publisher, SELF } from 'partyline'
   *
   * @Gateway('/ws/:facility', { channels: {} })
   * class Feed {}
   *
   * const authenticate = ({ cookies }: Handshake) => (cookies.get('session') === 's3cret' ? { user: 'ada' } : null)
   *
   * const app = createApp(Feed, {
   *   authenticate,
   *   async fetch(request, info) {
   *     const self = await app.authenticate(request, info)
   *     if (self === null) return new Response('sign in first', { status: 401 })
   *     await app.get(Publisher).publish('news', 'Hello', { users: [SELF], self })
   *     return new Response('sent')
   *   },
   * })
   * ```
   */
  authenticate(request: Request, { ip = '' }: Partial<FetchInfo> = {}): Promise<Identity | null> {
    const { authenticate } = this.#surroundings
    return identify(authenticatorFunction(this.#container, authenticate), request, ip, this.#shared)
  }

  /**
   * Builds what lives as long as the app, waiting for asynchronous factories. `listen` and the first request do it too.
   * Where it fails, what was built is disposed of, and the next call tries again.
   */
  ready(): Promise<void> {
    return this.#start.run()
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

  /**
   * Whether a path, such as `/party`, is this app's; for a server of your own that others share. WebSocket connections come to
   * gateways and dialects; `'http'` asks whether requests without an upgrade do, too, as those of clients of Socket.IO that poll,
   * and those to the path of the option `publish`.
   */
  serves(path: string, what: 'websocket' | 'http' = 'websocket'): boolean {
    return this.#http.serves(path, what)
  }

  /** The app in figures: who is there, and how often each limit was reached since it began. */
  stats(): AppStats {
    const rooms = this.#routes.reduce((sum, route) => sum + route.rooms.count, 0)
    const recoveries = this.#routes.flatMap(({ recovery }) => recovery ?? [])
    const suspended = recoveries.reduce((sum, { suspended }) => sum + suspended.size, 0)
    const keptBytes = recoveries.reduce((sum, { log }) => sum + log.bytes, 0)
    const broker = this.#cluster.stats
    return {
      sockets: this.sockets.size,
      suspended,
      rooms,
      keptBytes,
      ...this.#shared.stats.counters,
      ...(broker && { broker }),
    }
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

  #handle(...[request, peer]: Parameters<Host['handle']>): ReturnType<Host['handle']> {
    // Stopped before it began, it has nothing to hide either.
    if (this.#start.isDone || this.#stopping !== undefined) return this.#decide(request, peer)
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
    this.#door.draining = true
    this.#start.close()
    this.#http.closed = !this.#start.isDone
    const parts = {
      shared: this.#shared,
      http: this.#http,
      runtime: this.runtime,
      cluster: this.#cluster,
      start: this.#start,
    }
    await new Stop(parts, milliseconds).run()
    this.#ignoreSignals?.()
  }
}
