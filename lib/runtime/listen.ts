import type { Address, ListenOptions } from '../core/connection.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'

/** Throws where a place to listen is none, though the runtime would take it for some other. */
export function checkPlace({ hostname, unix }: ListenOptions): void {
  const option = unix === '' ? 'unix' : hostname === '' && unix === undefined ? 'hostname' : undefined
  if (option === undefined) return
  const reason = `the option "${option}" is empty. Leave it out, or say where: ${examples[option]}`
  throw withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen: ${reason}`))
}

/**
 * What a runtime has as a global name.
 *
 * @throws PartylineError LISTEN_FAILED where it is not there: an app made for one runtime was started on another.
 */
export function platform<T>(name: 'Bun' | 'Deno', start: string): T {
  const found = (globalThis as Record<string, unknown>)[name]
  if (found !== undefined) return found as T
  const reason = `this app is made for ${name}, and this is not ${name}. Start it with "${start}", or leave out the option "runtime"`
  throw withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen: ${reason}`))
}

const examples = { hostname: 'localhost, 0.0.0.0 or [::]', unix: 'the path of a socket' }

/** Where a server listens, once it has its port. */
export function addressOf({ port, hostname, unix }: Place): Address {
  if (unix !== undefined) return { unix, url: unix }
  const name = hostname.includes(':') ? `[${hostname}]` : hostname
  return { port, hostname, url: `http://${name}:${port}` }
}

interface Place {
  port: number
  hostname: string
  unix: string | undefined
}

/** Why a server could not listen, in one line that says what to do. */
export function listenFailed(cause: unknown, { port, hostname, unix }: ListenOptions): PartylineError {
  const where = unix ?? `${hostname}:${port}`
  const code = codeOf(cause)
  const reason = (unix !== undefined && unixReasons[code]) || (reasons[code] ?? String(cause))
  return withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen on ${where}: ${reason}`))
}

/** Deno has codes for some, and names or words for the others. */
function codeOf(cause: unknown): string {
  const { code, name, message } = (cause ?? {}) as { code?: unknown; name?: unknown; message?: unknown }
  if (code !== undefined) return String(code)
  return String(message).startsWith('failed to lookup address') ? 'ENOTFOUND' : String(name)
}

const BAD_PORT = 'a port is a whole number from 0 to 65535'
const BAD_HOST = 'there is no such host. Use localhost, 0.0.0.0 or an address of this machine'

const reasons: Record<string, string> = {
  EADDRINUSE:
    'it is in use already. Choose another with --port, PORT, or the "port" option; 0 is any free one',
  EADDRNOTAVAIL: 'no network interface of this machine has that address. Use localhost, 0.0.0.0 or [::]',
  EACCES:
    "permission denied. Ports below 1024 and other people's folders need more rights; use a port from 1024 on",
  EPERM:
    "permission denied. Ports below 1024 and other people's folders need more rights; use a port from 1024 on",
  EINVAL: BAD_HOST,
  ENOTFOUND: BAD_HOST,
  EAI_AGAIN: BAD_HOST,
  URIError: BAD_HOST,
  ENOENT: 'its folder does not exist',
  ERR_OUT_OF_RANGE: BAD_PORT,
  ERR_SOCKET_BAD_PORT: BAD_PORT,
  RangeError: BAD_PORT,
  TypeError: BAD_PORT,
  NotCapable: 'Deno was not allowed to. Run it with --allow-net',
}

const unixReasons: Record<string, string> = {
  EADDRINUSE:
    'it is in use already. Choose another with the "unix" option, or remove it if nobody listens on it',
  EACCES: 'permission denied. Its folder needs to be one that you may write to',
  EPERM: 'permission denied. Its folder needs to be one that you may write to',
  EINVAL: 'that is no path for a socket: it may be too long',
  ENAMETOOLONG: 'that is no path for a socket: it may be too long',
  NotCapable:
    'Deno was not allowed to. Run it with --allow-net, and with --allow-read and --allow-write of that path',
}
