import { BrokerError } from '../broker/error.ts'
import { PartylineError } from '../protocol/error.ts'
import type { Publication, Published, Publisher } from './publisher.ts'

/** Options of `publishEndpoint`. */
export interface PublishEndpointOptions {
  publisher: Publisher
  /** What `Authorization: Bearer` has to say: at least 16 characters. Several, so that one can take another's place. */
  key: string | readonly string[]
  /** How many bytes a request may have. Default 1 MiB. */
  limit?: number
  /** Something failed that is for the log only. */
  failed?: (error: unknown) => void
}

const SHORTEST_KEY = 16

/**
 * An HTTP endpoint that publishes, for programs of any language: `POST` of JSON, one message or a list of them, with
 * `Authorization: Bearer <key>`.
 *
 *     {"facility":"news","broadcast":true,"users":["ann"],"groups":[],"sessions":[],"data":…,"expiry":60000}
 *
 * In place of `data`, `text` is published as it is, and `base64` as bytes. Answers with
 * `{"published":[{"key":"broadcast:news","at":…}]}`, or a list of those; with 400 for what is wrong, in which case nothing was published, and with 503 where the broker is away.
 *
 * @throws TypeError for a key that is too short
 */
export function publishEndpoint(options: PublishEndpointOptions): (request: Request) => Promise<Response> {
  const { publisher, limit = 1 << 20, failed = () => {} } = options
  const isKey = keyCheck(typeof options.key === 'string' ? [options.key] : options.key)
  return async (request) => {
    try {
      if (request.method !== 'POST')
        throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'publishing is a POST request', { allow: 'POST' })
      if (!(await isKey(bearerOf(request)))) throw unauthenticated()
      const asked = readJson(await readBody(request, limit))
      if (Array.isArray(asked)) {
        const published = await publisher.batch(asked.map(publicationOf))
        return Response.json(published.map(answerOf))
      }
      const { facility, data, ...rest } = publicationOf(asked)
      return Response.json(answerOf(await publisher.publish(facility, data, rest)))
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal.status === 500) failed(error)
      return refusal.response
    }
  }
}

/** Why a request is not done. */
class Refusal {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message: string,
    readonly headers: Record<string, string> = {},
    readonly details?: unknown,
  ) {}

  get response(): Response {
    const { code, message, details, status, headers } = this
    const error = details === undefined ? { code, message } : { code, message, details }
    return Response.json({ error }, { status, headers })
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof PartylineError) return new Refusal(400, error.code, error.message, {}, error.details)
  if (!(error instanceof BrokerError)) return new Refusal(500, 'INTERNAL', 'the server failed to handle this')
  if (error.code === 'TOO_LARGE') return new Refusal(413, 'TOO_LARGE', error.message)
  const said =
    error.code === 'UNKNOWN' ? 'the broker did not answer: perhaps it was published' : 'the broker is away'
  return new Refusal(503, 'UNAVAILABLE', said, { 'retry-after': '1' })
}

function unauthenticated(): Refusal {
  const message = 'publishing needs the key: Authorization: Bearer <key>'
  return new Refusal(401, 'UNAUTHENTICATED', message, { 'www-authenticate': 'Bearer' })
}

function bearerOf({ headers }: Request): string {
  return /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''
}

/** Compares hashes, whole: how long that takes says nothing of how much of a guess was right, nor of how long the key is. */
function keyCheck(keys: readonly string[]): (given: string) => Promise<boolean> {
  if (keys.length === 0) throw new TypeError('publishing over HTTP is given no key: name one.')
  if (keys.some((key) => key.length < SHORTEST_KEY || /\s/.test(key)))
    throw new TypeError(
      `the key for publishing over HTTP is shorter than ${SHORTEST_KEY} characters, or has a space in it: make one with "openssl rand -hex 32".`,
    )
  const hashes = Promise.all(keys.map(hashOf))
  return async (given) => {
    const hash = await hashOf(given)
    let isRight = false
    for (const one of await hashes) {
      let difference = 0
      for (let i = 0; i < one.length; i++) difference |= (one[i] as number) ^ (hash[i] as number)
      isRight = difference === 0 || isRight
    }
    return isRight
  }
}

async function hashOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function broken(): never {
  throw new Refusal(400, 'BAD_REQUEST', 'the body ended before it was whole')
}

/** Reads no more than it may have. */
async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = (): Refusal => new Refusal(413, 'TOO_LARGE', `the request is longer than ${limit} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (;;) {
    // Who asks may go away in the middle of it, which is nobody's failure here.
    const { done, value } = (await reader?.read().catch(() => broken())) ?? { done: true }
    if (done || value === undefined) break
    size += value.byteLength
    if (size > limit) {
      void reader?.cancel().catch(() => {})
      throw tooLarge()
    }
    chunks.push(value)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.byteLength
  }
  return body
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new Refusal(400, 'BAD_REQUEST', 'the body is not JSON in UTF-8')
  }
}

const MEMBERS = new Set([
  ...['facility', 'broadcast', 'users', 'groups', 'sessions'],
  ...['data', 'text', 'base64', 'expiry', 'history', 'keep'],
])

/** @param index where there are several */
function publicationOf(asked: unknown, index?: number): Publication {
  const wrong = (message: string): PartylineError =>
    index === undefined
      ? new PartylineError('INVALID_DATA', message)
      : new PartylineError('INVALID_DATA', `message ${index}: ${message}`, { index })
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked))
    throw wrong('this is no object, such as {"facility":"news","broadcast":true,"data":1}')
  const unknown = Object.keys(asked).find((key) => !MEMBERS.has(key))
  if (unknown !== undefined) throw wrong(`"${unknown}" means nothing: there are ${[...MEMBERS].join(', ')}`)
  const { data, text, base64, broadcast, keep, ...rest } = asked as Record<string, unknown>
  const given = [data, text, base64].filter((one) => one !== undefined)
  if (given.length !== 1) throw wrong('it takes one of data, text and base64')
  if (text !== undefined && typeof text !== 'string') throw wrong('text is no string')
  for (const [name, flag] of Object.entries({ broadcast, keep }))
    if (flag !== undefined && typeof flag !== 'boolean') throw wrong(`${name} is neither true nor false`)
  const content = base64 === undefined ? given[0] : bytesOf(base64)
  if (content === undefined) throw wrong('base64 is no text in base64')
  // What remains is looked at by the publisher, which takes nothing on trust.
  return { ...rest, broadcast, keep, data: content } as Publication
}

function bytesOf(base64: unknown): Uint8Array | undefined {
  if (typeof base64 !== 'string') return undefined
  try {
    return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
  } catch {
    return undefined
  }
}

function answerOf(published: readonly Published[]): object {
  return { published: published.map(({ key, position }) => ({ key, at: position })) }
}
