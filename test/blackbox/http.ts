import { connect } from 'node:net'
import type { Place } from '../support/tcp.ts'
import { until } from '../support/until.ts'

/** An HTTP answer, read from the bytes of a TCP socket. */
export interface Answer {
  status: number
  headers: Headers
  body: string
}

const OPENING = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Asks by a good handshake but for what is given; a header that is undefined is left out. */
export function knock(
  place: Place,
  path: string,
  headers: Record<string, string | undefined> = {},
  method = 'GET',
): Promise<Answer> {
  return ask(place, `${method} ${path} HTTP/1.1`, { host: 'localhost', ...OPENING, ...headers })
}

/** Knocks, and is gone before the door is opened. */
export async function leaveAtTheDoor(
  place: Place,
  path: string,
  headers: Record<string, string>,
): Promise<void> {
  const socket = connect(place)
  socket.on('error', () => {})
  const bytes = request(`GET ${path} HTTP/1.1`, { host: 'localhost', ...OPENING, ...headers })
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  socket.resetAndDestroy()
}

/** Asks for a page. */
export function get(place: Place, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(place, `GET ${path} HTTP/1.1`, { host: 'localhost', ...headers })
}

/** Sends a request in literal bytes, and takes its answer. */
export function ask(
  place: Place,
  line: string,
  headers: Record<string, string | undefined>,
  body = '',
): Promise<Answer> {
  return exchange(place, request(line, headers) + body)
}

function request(line: string, headers: Record<string, string | undefined>): string {
  const said = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  )
  return `${line}\r\n${said.join('')}\r\n`
}

/** Sends bytes, and takes the one answer that comes. */
export async function exchange(place: Place, bytes: string): Promise<Answer> {
  const socket = connect(place)
  let text = ''
  let ended = false
  socket.on('error', () => {})
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data
  })
  socket.on('close', () => {
    ended = true
  })
  socket.write(bytes, 'latin1')
  let answer: Answer | undefined
  await until(() => {
    answer = answerIn(text, ended)
    return answer !== undefined || ended
  }, 'an answer')
  socket.destroy()
  if (answer === undefined) throw new Error(`the connection ended, and an answer was expected: ${text}`)
  return answer
}

/** The answer that these bytes begin with, if it is whole. */
export function answerIn(text: string, ended: boolean): Answer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/s, 2) as [string, string]))
  const status = Number(first.split(' ')[1])
  const body = status === 204 ? '' : bodyIn(text.slice(end + 4), headers, ended)
  return body === undefined ? undefined : { status, headers, body }
}

function bodyIn(text: string, headers: Headers, ended: boolean): string | undefined {
  const length = headers.get('content-length')
  if (length !== null)
    return text.length >= Number(length) || ended ? text.slice(0, Number(length)) : undefined
  if (headers.get('transfer-encoding') === 'chunked') return unchunked(text)
  return ended ? text : undefined
}

function unchunked(text: string): string | undefined {
  let body = ''
  for (let rest = text; ; ) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest, 16)
    if (end < 0 || rest.length < end + 4 + size) return undefined
    if (size === 0) return body
    body += rest.slice(end + 2, end + 2 + size)
    rest = rest.slice(end + 4 + size)
  }
}
