import { expect } from 'bun:test'
import type { Running } from './start.ts'

/** The headers of a good opening handshake. */
const opening = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Knocks with a good handshake, but for what is given, and returns the refusal. */
export async function knock(
  { fetch }: Running,
  path: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
) {
  const response = await fetch(path, { method, headers: { ...opening, ...headers } })
  expect(response.headers.get('content-type')).toStartWith('application/json')
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown }
}

/** The body of a refusal. */
export function refusal(code: string, message: string): object {
  return { error: { code, message } }
}
