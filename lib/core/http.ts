import { BEARER, Handshake, RESUME } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { admit } from './admission.ts'
import type { Admission, Host, Peer } from './connection.ts'
import { Link } from './link.ts'
import { addressOf, isOriginAllowed, type Origins } from './origin.ts'
import { normalise, type Pattern } from './path.ts'
import { failed, goingAway, noUrl, refuse } from './refusal.ts'
import type { Route } from './route.ts'
import { ClientScript, SCRIPT_PATH } from './script.ts'
import { Session } from './session.ts'
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

/** A route and the paths that lead to it. */
export interface RoutedPath {
  pattern: Pattern
  route: Route
}

/** How an app sees those who knock. */
export interface HttpRules {
  origins: Origins | undefined
  /** How many proxies in front are believed. */
  proxies: number
  /** Whether the client is served to pages without a bundler. */
  clientScript: boolean
}

/** Decides about every HTTP request of an app: to a gateway, to the app's own pages, or away. */
export class HttpHost {
  readonly limits: Host['limits']
  readonly #fixed: ReadonlyMap<string, Route>
  readonly #patterns: readonly RoutedPath[]
  readonly #shared: Shared
  readonly #fetch: Fetch | undefined
  readonly #rules: HttpRules
  readonly #script: ClientScript | undefined
  /** The pages that are being made. */
  readonly #pages = new Set<Promise<Response>>()
  /** Set when the app goes away: nobody is taken in any more. */
  draining = false
  /** Set when what pages are made from goes away: no more of them are begun. */
  closed = false

  constructor(paths: readonly RoutedPath[], shared: Shared, fetch: Fetch | undefined, rules: HttpRules) {
    this.#rules = rules
    this.#script = rules.clientScript ? new ClientScript() : undefined
    this.limits = shared.limits
    this.#fixed = new Map(
      paths.filter(({ pattern }) => pattern.isFixed).map(({ route }) => [route.path, route]),
    )
    this.#patterns = paths.filter(({ pattern }) => !pattern.isFixed)
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
    const found = this.#find(path)
    if (found !== undefined)
      return upgrade ? this.#admit(request, url, peer, found.route, found.params) : upgradeRequired(path)
    if (upgrade) return refuse(404, 'NOT_FOUND', `no gateway at ${path}`)
    return this.#page(request, url, peer, path)
  }

  /** Whether a gateway is at a path. */
  serves(path: string): boolean {
    return this.#find(normalise(path)) !== undefined
  }

  /** Resolves when the pages that are being made are made. */
  async untilAnswered(): Promise<void> {
    await Promise.all(this.#pages)
  }

  #find(path: string): { route: Route; params: Record<string, string> } | undefined {
    const fixed = this.#fixed.get(path)
    if (fixed !== undefined) return { route: fixed, params: {} }
    for (const { pattern, route } of this.#patterns) {
      const params = pattern.match(path)
      if (params !== undefined) return { route, params: decodeAll(params) }
    }
    return undefined
  }

  #admit(
    request: Request,
    url: URL,
    { ip, identity }: Peer,
    route: Route,
    params: Record<string, string>,
  ): Response | Admission | Promise<Response | Admission> {
    const { stats, clock } = this.#shared
    const refusal = handshakeProblem(request)
    if (refusal !== undefined) return refusal
    if (!this.#mayConnect(request, url, route)) {
      stats.count('originsRefused')
      return refuse(403, 'FORBIDDEN', 'pages of this origin may not connect: see the option "origins"')
    }
    const address = addressOf(request, ip, this.#rules.proxies)
    const full = this.#crowded(address)
    if (full !== undefined) return full
    // A copy: the request's own headers may be gone, or keep the request alive, after the upgrade.
    const handshake = new Handshake(url.href, new Headers(request.headers), address, clock.now(), params)
    const chosen = chooseSubprotocol(route, handshake.subprotocols)
    if (chosen instanceof Response) return chosen
    if (route.authenticate === undefined && route.around.guards.length === 0) {
      return this.#take(route, handshake, identity, chosen)
    }
    return admit(route, handshake, this.#shared, identity).then((verdict) => {
      if (verdict instanceof Response) return verdict
      const admission = this.#take(route, handshake, verdict.identity, chosen)
      return { ...admission, refusal: () => this.#crowded(address) }
    })
  }

  /** Whether the page that asks may, as its origin says. */
  #mayConnect(request: Request, url: URL, { gateway }: Route): boolean {
    const { origins, proxies } = this.#rules
    try {
      return isOriginAllowed(request, url, origins, proxies)
    } catch (error) {
      this.#shared.report(error, 'the option "origins" failed, which refuses', { gateway: gateway.name })
      return false
    }
  }

  #take(
    route: Route,
    handshake: Handshake,
    identity: Identity | undefined,
    { codec, subprotocol }: Choice,
  ): Admission {
    const greets = subprotocol !== undefined
    const begin = (): Session => new Session(route, codec, handshake, identity, greets, this.#shared)
    const { recovery } = route
    if (recovery === undefined || !greets) return { handler: begin(), subprotocol }
    return { handler: new Link(recovery, { handshake, identity, codecIndex: codec }, begin), subprotocol }
  }

  #crowded(address: string): Response | undefined {
    const { census, limits, stats } = this.#shared
    if (this.draining) return goingAway()
    if (census.total >= limits.connections) {
      stats.count('connectionsRefused')
      return refuse(503, 'UNAVAILABLE', 'the server is full', { 'retry-after': '5' })
    }
    // On a unix socket there are no addresses, so that all would count as one.
    if (address !== '' && census.from(address) >= limits.connectionsPerAddress) {
      stats.count('addressesRefused')
      return refuse(429, 'RATE_LIMITED', 'too many connections from this address', { 'retry-after': '5' })
    }
    return undefined
  }

  #health(request: Request): Response {
    const { method } = request
    const refused = forReading(request, '/healthz')
    if (refused !== undefined) return refused
    const body = { status: this.draining ? 'draining' : 'ok', connections: this.#shared.census.total }
    const { status, headers } = Response.json(body, { status: this.draining ? 503 : 200 })
    return new Response(method === 'HEAD' ? null : JSON.stringify(body), { status, headers })
  }

  #page(request: Request, url: URL, peer: Peer, path: string): Response | Promise<Response> {
    if (this.closed) return goingAway()
    if (this.#fetch === undefined) return refuse(404, 'NOT_FOUND', `nothing at ${path}`)
    const page = this.#made(this.#fetch, request, url, peer, path)
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

function decodeAll(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decode(value)]))
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
