import type { IncomingMessage, ServerResponse } from 'node:http'
import { noUrl, refuse } from '../core/refusal.ts'

// What comes in by node:http, as the web has it, and the way back.

/** What the web's Request does not take as its method. */
const FORBIDDEN_METHODS = ['CONNECT', 'TRACE', 'TRACK']

/** A request as the web has it, without its body unless one is given; or the response that refuses it. */
export function requestOf(
  incoming: IncomingMessage,
  { body, signal }: { body?: ReadableStream<Uint8Array>; signal?: AbortSignal } = {},
): Request | Response {
  const { method = 'GET' } = incoming
  if (FORBIDDEN_METHODS.includes(method)) {
    return refuse(405, 'METHOD_NOT_ALLOWED', `${method} is not served here`, { allow: 'GET, HEAD' })
  }
  try {
    // `duplex` is needed with a stream, and unknown to the web's types.
    const init = { method, headers: headersOf(incoming), body, signal, duplex: 'half' }
    return new Request(urlOf(incoming), init)
  } catch {
    return noUrl()
  }
}

/** The body of a request; undefined where it has none. */
export function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> | undefined {
  const { method, headers } = incoming
  if (method === 'GET' || method === 'HEAD') return undefined
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return undefined
  // Where its reader stops, the connection is still needed for the answer.
  const chunks = incoming.iterator({ destroyOnReturn: false })
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}

/**
 * Sends a response, and resolves when all of it was written, or nobody is there any more to read it. Rejects, with nothing
 * sent, where it cannot be sent.
 */
export async function respond(outgoing: ServerResponse, response: Response): Promise<void> {
  if (response.bodyUsed) throw new TypeError('the body of the response was used already')
  outgoing.statusCode = response.status
  if (response.statusText !== '') outgoing.statusMessage = response.statusText
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  if (response.body === null) outgoing.end()
  else if (outgoing.req.method === 'HEAD') {
    outgoing.end()
    await response.body.cancel()
  } else await pour(response.body, outgoing)
}

/** Writes a body as fast as it is read. */
async function pour(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) void reader.cancel().catch(() => {})
  })
  try {
    let part = await reader.read()
    const second = reader.read()
    // A body in one piece has a length that can be told.
    const soon = await Promise.race([second, turn()])
    if (part.value !== undefined && soon?.done) outgoing.setHeader('content-length', part.value.byteLength)
    let next: typeof second | undefined = second
    while (!part.done) {
      if (!outgoing.write(part.value)) await drained(outgoing)
      part = await (next ?? reader.read())
      next = undefined
    }
    outgoing.end()
  } catch (error) {
    if (!outgoing.headersSent) throw error
    // It cannot be answered in any other way any more.
    outgoing.destroy()
  }
}

/** Whatever was there to be read has been. */
function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined))
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.once('drain', done)
    outgoing.once('close', done)
  })
}

function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const headers: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.push([rawHeaders[i] as string, rawHeaders[i + 1] as string])
  }
  return headers
}

/** May be anything a client likes, and so no url. */
function urlOf({ url = '/', headers: { host = 'localhost' }, socket }: IncomingMessage): string {
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  // Else the first segment of the path would be taken for the host.
  if (host === '') throw new TypeError('the Host header is empty')
  if (url.startsWith('/')) return `${scheme}://${host}${url}`
  // As a proxy is asked (RFC 9112, section 3.2.2).
  const { pathname, search } = new URL(url)
  return `${scheme}://${host}${pathname}${search}`
}
