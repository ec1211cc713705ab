import { contextOf, Injectable, inject, PartylineError, Publisher, SELF } from 'partyline'
import { z } from 'zod'
import { ChannelsGateway, roomOf } from './channels.gateway.ts'
import { page } from './page.ts'
import { ANYBODY } from './people/by-cookie.ts'
import { cookieOf, secretIn } from './people/cookie.ts'
import { LIFETIME, type SignedIn, SignIns } from './people/sign-ins.ts'

/** What may be part of a channel's name. */
const name = z
  .string()
  .regex(/^[^\s:{}\p{Cc}\p{Cs}]{1,64}$/u, '1 to 64 characters, without white space and : { }')
const person = z.object({
  user: name.refine((user) => user !== ANYBODY, 'this name is everybody else’s'),
  groups: z.array(name).max(10).default([]),
})
const own = z.enum(['user', 'group', 'session'])
const message = z.object({ facility: name, to: z.array(own).min(1), text: z.string().max(2_000) })

const statuses: Readonly<Record<string, number>> = {
  INVALID_DATA: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  METHOD_NOT_ALLOWED: 405,
  UNAVAILABLE: 503,
}

type Answer = (request: Request) => Promise<Response>

/** What is answered over HTTP: who signs in and out, and publishing to oneself; else the page. */
@Injectable()
export class Routes {
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Answer>>>> = {
    '/login': { POST: (request) => this.#signIn(request) },
    '/logout': { POST: (request) => this.#signOut(request) },
    '/me': { GET: async (request) => Response.json(await this.#known(request)) },
    '/self': { POST: (request) => this.#publishToSelf(request) },
    '/kept': { GET: (request) => this.#kept(request) },
  }
  readonly #gateway = inject(contextOf(ChannelsGateway))

  constructor(
    private readonly signIns: SignIns,
    private readonly publisher: Publisher,
  ) {}

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (!Object.hasOwn(this.#routes, pathname)) return page(request)
    const methods = this.#routes[pathname] ?? {}
    try {
      checkSite(request)
      const answer = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
      if (answer !== undefined) return await answer(request)
      throw new PartylineError('METHOD_NOT_ALLOWED', `${pathname} takes ${Object.keys(methods).join(', ')}`)
    } catch (error) {
      const known = refusalOf(error)
      return Response.json({ error: known.toBody() }, { status: statuses[known.code] ?? 400 })
    }
  }

  async #signIn(request: Request): Promise<Response> {
    const { user, groups } = await read(request, person)
    const { secret, identity } = await this.signIns.begin(user, groups)
    return Response.json(identity, {
      headers: { 'set-cookie': cookieOf(secret, LIFETIME, isSecure(request)) },
    })
  }

  /** Whose connections end too: they were taken in because of it. */
  async #signOut(request: Request): Promise<Response> {
    const identity = await this.#find(request)
    if (identity !== undefined) {
      await this.signIns.end(identity)
      await this.#gateway.to(roomOf(identity.session)).close(4401, 'signed out')
    }
    return Response.json({}, { headers: { 'set-cookie': cookieOf(undefined, 0, isSecure(request)) } })
  }

  async #publishToSelf(request: Request): Promise<Response> {
    const self = await this.#find(request)
    const { facility, to, text } = await read(request, message)
    const published = await this.publisher.publish(facility, text, {
      ...(to.includes('user') && { users: [SELF] }),
      ...(to.includes('group') && { groups: SELF }),
      ...(to.includes('session') && { sessions: [SELF] }),
      self: self ?? null,
    })
    return Response.json({ published: published.map(({ key, position }) => ({ key, at: position })) })
  }

  /** The first that is kept: for the session, the user, the groups, everybody. */
  async #kept(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url)
    const found = await this.publisher.fetch(searchParams.get('facility') ?? '', {
      broadcast: searchParams.has('broadcast'),
      ...(searchParams.has('user') && { users: [SELF] }),
      ...(searchParams.has('group') && { groups: SELF }),
      ...(searchParams.has('session') && { sessions: [SELF] }),
      self: (await this.#find(request)) ?? null,
    })
    return Response.json(
      found === undefined ? null : { key: found.key, text: found.text, at: found.position },
    )
  }

  #find({ headers }: Request): Promise<SignedIn | undefined> {
    const secret = secretIn(headers)
    return secret === undefined ? Promise.resolve(undefined) : this.signIns.find(secret)
  }

  async #known(request: Request): Promise<SignedIn> {
    const found = await this.#find(request)
    if (found !== undefined) return found
    throw new PartylineError('UNAUTHENTICATED', 'nobody is signed in here')
  }
}

/** Browsers say from where a request comes; what pages of other sites have them send is not what their users want. */
function checkSite({ headers }: Request): void {
  const site = headers.get('sec-fetch-site') ?? 'none'
  if (site !== 'none' && site !== 'same-origin')
    throw new PartylineError('FORBIDDEN', 'pages of other sites may not ask for this')
}

async function read<S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> {
  const body = await request.json().catch(() => {
    throw new PartylineError('INVALID_DATA', 'the body is not JSON')
  })
  const { data, error } = schema.safeParse(body)
  if (error === undefined) return data as z.output<S>
  const faults = error.issues.map(({ path, message }) => ({ path, message }))
  throw new PartylineError('INVALID_DATA', 'the body is not as it has to be', faults)
}

/** What somebody else's fault is called; throws what is nobody's but ours. */
function refusalOf(error: unknown): PartylineError {
  if (error instanceof PartylineError) return error
  if (error instanceof Error && error.name === 'BrokerError')
    return new PartylineError('UNAVAILABLE', 'what joins the nodes is away: try again in a moment')
  throw error
}

/** Over https, also where it ends in front of us. Who pretends to that has a cookie that does not come back, no more. */
function isSecure({ url, headers }: Request): boolean {
  return url.startsWith('https:') || headers.get('x-forwarded-proto') === 'https'
}
