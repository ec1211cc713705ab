import { BEARER, Handshake, RESUME } from '../protocol/handshake.ts'
import { Bounded } from './bounded.ts'
import type { ClusterHealth } from './cluster.ts'
import type { Admission, ConnectionHandler, Host, Peer } from './connection.ts'
import type { Dialect } from './dialect.ts'
import type { Door } from './door.ts'
import { addressOf, isOriginAllowed, type Origins } from './origin.ts'
import { normalise } from './path.ts'
import { failed, goingAway, noUrl, refuse, refusing } from './refusal.ts'
import type { Route } from './route.ts'
import { ClientScript, SCRIPT_PATH } from './script.ts'
import type { Shared } from './shared.ts'

/** What is known of a request beyond itself. Hono's `getConnInfo` for Bun finds in it what it looks for. */
export interface FetchInfo {
  /** The address of who asks, as `trustProxy` says; empty on unix sockets. */
  readonly ip: string
  /** What the runtime itself passes to such functions: on Bun, its server. */
  readonly server?: unknown
}

/** Answers the HTTP requests that are none of the gateways'. */
export type Fetch = (request: Request, info: FetchInfo) => Response | Promise<Response>

/** How an app sees those who knock. */
export interface HttpRules {
  origins: Origins | undefined
  /** How many proxies in front are believed. */
  proxies: number
  /** Whether the client is served to pages without a bundler. */
  clientScript: boolean
  /** How many bytes the runtime lets a message have. */
  payload: number
  /** How the broker is. */
  health: () => ClusterHealth
  /** Where messages for channels are taken, and how. */
  publish: { path: string; answer: (request: Request) => Promise<Response> } | undefined
}

/** Decides about every HTTP request of an app: to a gateway, to the app's own pages, or away. */
export class HttpHost {
  readonly limits: Host['limits']
  readonly #door: Door
  readonly #shared: Shared
  readonly #fetch: Fetch | undefined
  readonly #rules: HttpRules
  readonly #script: ClientScript | undefined
  /** The pages that are being made, and what is being published. */
  readonly #pages = new Set<Promise<Response>>()
  /** Other protocols that are served. Set at boot. */
  dialects: readonly Dialect[] = []
  /** Set when what pages are made from goes away: no more of them are begun. */
  closed = false

  constructor(door: Door, shared: Shared, fetch: Fetch | undefined, rules: HttpRules) {
    this.#rules = rules
    this.#script = rules.clientScript ? new ClientScript() : undefined
    this.limits = shared.limits
    this.#door = door
    this.#shared = shared
    this.#fetch = fetch
  }

  handle(request: Request, peer: Peer): Response | Admission | Promise<Response | Admission> {
    const url = urlOf(request)
    if (url === null) return noUrl()
    const path = normalise(url.pathname)
    const upgrade = isUpgrade(request)
    // Before the gateways: one at `/:room` is not to hide it.
    if (path === '/healthz' && !upgrade) return this.#health(request)
    if (path === SCRIPT_PATH && this.#script !== undefined && !upgrade)
      return forReading(request, path) ?? this.#script.answer(request)
    const { publish } = this.#rules
    if (publish?.path === path && !upgrade)
      return this.closed ? goingAway() : this.#tracked(publish.answer(request))
    for (const dialect of this.dialects)
      if (dialect.serves(path)) return this.#speak(dialect, request, url, peer, upgrade)
    const found = this.#door.find(path)
    if (found !== undefined)
      return upgrade ? this.#admit(request, url, peer, found.route, found.params) : upgradeRequired(path)
    if (upgrade) return refuse(404, 'NOT_FOUND', `no gateway at ${path}`)
    return this.#page(request, url, peer, path)
  }

  /** Whether a gateway or a dialect is at a path; for requests without an upgrade, a dialect, or where messages are taken. */
  serves(path: string, what: 'websocket' | 'http'): boolean {
    const normal = normalise(path)
    const isOwn =
      what === 'websocket' ? this.#door.find(normal) !== undefined : this.#rules.publish?.path === normal
    return isOwn || this.dialects.some((dialect) => dialect.serves(normal))
  }

  /** Resolves when the pages that are being made are made. */
  async untilAnswered(): Promise<void> {
    await Promise.all(this.#pages)
  }

  #admit(
    request: Request,
    url: URL,
    { ip, identity }: Peer,
    route: Route,
    params: Record<string, string>,
  ): Response | Admission | Promise<Response | Admission> {
    const { clock } = this.#shared
    const refusal = handshakeProblem(request)
    if (refusal !== undefined) return refusal
    if (!this.#mayConnect(request, url, route)) return this.#strange()
    const address = addressOf(request, ip, this.#rules.proxies)
    const full = this.#door.crowded(address)
    if (full !== undefined) return refusing(full)
    // A copy: the request's own headers may be gone, or keep the request alive, after the upgrade.
    const handshake = new Handshake(url.href, new Headers(request.headers), address, clock.now(), params)
    const chosen = chooseSubprotocol(route, handshake.subprotocols)
    if (chosen instanceof Response) return chosen
    const { codec, subprotocol } = chosen
    const greets = subprotocol !== undefined
    const handler = this.#door.enter(route, { handshake, identity, codec, greets })
    if (!(handler instanceof Promise)) return { handler: this.#bounded(handler), subprotocol }
    return handler.then((handler) => {
      if ('status' in handler) return refusing(handler)
      const refusal = (): Response | undefined => {
        const full = this.#door.crowded(address)
        return full && refusing(full)
      }
      return { handler: this.#bounded(handler), subprotocol, refusal }
    })
  }

  /** Where another protocol takes larger messages, the runtime has to, too. */
  #bounded(handler: ConnectionHandler): ConnectionHandler {
    const { payload } = this.#shared.limits
    return this.#rules.payload > payload ? new Bounded(handler, payload) : handler
  }

  /** Hands a request to another protocol, as far as a WebSocket may come from there at all. */
  #speak(
    dialect: Dialect,
    request: Request,
    url: URL,
    peer: Peer,
    upgrade: boolean,
  ): ReturnType<Dialect['handle']> {
    const refusal = upgrade ? handshakeProblem(request) : undefined
    if (refusal !== undefined) return refusal
    if (!this.#mayConnect(request, url)) return this.#strange()
    const ip = addressOf(request, peer.ip, this.#rules.proxies)
    return dialect.handle(request, url, { ...peer, ip }, upgrade)
  }

  #strange(): Response {
    this.#shared.stats.count('originsRefused')
    return refuse(403, 'FORBIDDEN', 'pages of this origin may not connect: see the option "origins"')
  }

  /** Whether the page that asks may, as its origin says. */
  #mayConnect(request: Request, url: URL, route?: Route): boolean {
    const { origins, proxies } = this.#rules
    try {
      return isOriginAllowed(request, url, origins, proxies)
    } catch (error) {
      this.#shared.report(error, 'the option "origins" failed, which refuses', {
        gateway: route?.gateway.name,
      })
      return false
    }
  }

  #health(request: Request): Response {
    const { method } = request
    const refused = forReading(request, '/healthz')
    if (refused !== undefined) return refused
    const broker = this.#rules.health()
    // Away for a while, this node serves those whom it has. Before it was there once, it can know nothing of the others.
    const health = this.#door.draining ? 'draining' : broker === 'starting' ? 'starting' : 'ok'
    const body = {
      status: health,
      connections: this.#shared.census.total,
      ...(broker !== 'alone' && { broker: broker === 'starting' ? 'away' : broker }),
    }
    const { status, headers } = Response.json(body, { status: health === 'ok' ? 200 : 503 })
    return new Response(method === 'HEAD' ? null : JSON.stringify(body), { status, headers })
  }

  #page(request: Request, url: URL, peer: Peer, path: string): Response | Promise<Response> {
    if (this.closed) return goingAway()
    if (this.#fetch === undefined) return refuse(404, 'NOT_FOUND', `nothing at ${path}`)
    return this.#tracked(this.#made(this.#fetch, request, url, peer, path))
  }

  /** The app that stops waits for it; it never rejects. */
  #tracked(page: Promise<Response>): Promise<Response> {
    this.#pages.add(page)
    void page.then(() => this.#pages.delete(page))
    return page
  }

  /** What the app's own handler answers; never rejects. */
  async #made(fetch: Fetch, request: Request, url: URL, peer: Peer, path: string): Promise<Response> {
    // Handlers parse the url, and one without a host, as of HTTP/1.0, would make them throw.
    const asked = request.url.startsWith('/') ? new Request(url, request) : request
    const ip = addressOf(request, peer.ip, this.#rules.proxies)
    try {
      const response: unknown = await fetch(asked, { ip, server: peer.server })
      if (response instanceof Response) return response
      throw new TypeError('the fetch handler returned no Response')
    } catch (error) {
      this.#shared.report(error, 'the fetch handler failed', { path })
      return failed()
    }
  }
}

interface Choice {
  /** The index of the codec that was chosen. */
  codec: number
  subprotocol: string | undefined
}

/** The first that the client offers and the gateway speaks; the first codec where none is offered. */
function chooseSubprotocol({ codecs }: Route, all: readonly string[]): Choice | Response {
  const offered = all.filter((name) => !name.startsWith(BEARER) && !name.startsWith(RESUME))
  const known = (name: string): number => codecs.findIndex((codec) => codec.subprotocol === name)
  const subprotocol = offered.find((name) => known(name) >= 0)
  if (subprotocol !== undefined) return { codec: known(subprotocol), subprotocol }
  if (all.length === 0) return { codec: 0, subprotocol }
  const names = codecs.flatMap((codec) => codec.subprotocol ?? [])
  return refuse(400, 'UNKNOWN_SUBPROTOCOL', `this gateway speaks ${names.join(', ') || 'no subprotocol'}`)
}

function forReading({ method }: Request, path: string): Response | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined
  return refuse(405, 'METHOD_NOT_ALLOWED', `${path} is for GET and HEAD`, { allow: 'GET, HEAD' })
}

function upgradeRequired(path: string): Response {
  return refuse(426, 'UPGRADE_REQUIRED', `${path} is a WebSocket gateway`, {
    upgrade: 'websocket',
    connection: 'upgrade',
  })
}

/** RFC 6455, section 4.2.1: what a server checks of an opening handshake. */
function handshakeProblem({ method, headers }: Request): Response | undefined {
  if (method !== 'GET')
    return refuse(405, 'METHOD_NOT_ALLOWED', 'a WebSocket handshake is a GET request', { allow: 'GET' })
  if (headers.get('sec-websocket-version') !== '13') {
    return refuse(426, 'UPGRADE_REQUIRED', 'this server speaks version 13 of WebSocket', {
      'sec-websocket-version': '13',
    })
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get('sec-websocket-key') ?? '')) {
    return refuse(400, 'BAD_HANDSHAKE', 'Sec-WebSocket-Key is missing or not 16 bytes in base64')
  }
  return undefined
}

function isUpgrade({ headers }: Request): boolean {
  return headers.get('upgrade')?.toLowerCase() === 'websocket'
}

/** Null where there is none: the url is put together from the Host header, which is anything a client likes. */
function urlOf({ url, headers }: Request): URL | null {
  // HTTP/1.0 needs no Host; then the url is the path alone. With a Host, that is one that could not be read.
  return URL.parse(url, headers.has('host') ? undefined : 'http://localhost')
}
