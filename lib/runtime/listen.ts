import type { ListenOptions } from '../core/connection.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'

/** Throws where a place to listen is none, though the runtime would take it for some other. */
export function checkPlace({ hostname, unix }: ListenOptions): void {
  const option = unix === '' ? 'unix' : hostname === '' && unix === undefined ? 'hostname' : undefined
  if (option === undefined) return
  const reason = `the option "${option}" is empty. Leave it out, or say where: ${examples[option]}`
  throw withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen: ${reason}`))
}

const examples = { hostname: 'localhost, 0.0.0.0 or [::]', unix: 'the path of a socket' }

/** Why a server could not listen, in one line that says what to do. */
export function listenFailed(cause: unknown, { port, hostname, unix }: ListenOptions): PartylineError {
  const where = unix ?? `${hostname}:${port}`
  const code = String((cause as { code?: unknown } | null)?.code ?? '')
  const reason = (unix !== undefined && unixReasons[code]) || (reasons[code] ?? String(cause))
  return withoutTrace(() => new PartylineError('LISTEN_FAILED', `cannot listen on ${where}: ${reason}`))
}

const reasons: Record<string, string> = {
  EADDRINUSE:
    'it is in use already. Choose another with --port, PORT, or the "port" option; 0 is any free one',
  EADDRNOTAVAIL: 'no network interface of this machine has that address. Use localhost, 0.0.0.0 or [::]',
  EACCES:
    "permission denied. Ports below 1024 and other people's folders need more rights; use a port from 1024 on",
  EPERM:
    "permission denied. Ports below 1024 and other people's folders need more rights; use a port from 1024 on",
  EINVAL: 'there is no such host. Use localhost, 0.0.0.0 or an address of this machine',
  ENOTFOUND: 'there is no such host. Use localhost, 0.0.0.0 or an address of this machine',
  ENOENT: 'its folder does not exist',
  ERR_OUT_OF_RANGE: 'a port is a whole number from 0 to 65535',
}

const unixReasons: Record<string, string> = {
  EADDRINUSE:
    'it is in use already. Choose another with the "unix" option, or remove it if nobody listens on it',
  EACCES: 'permission denied. Its folder needs to be one that you may write to',
  EPERM: 'permission denied. Its folder needs to be one that you may write to',
  EINVAL: 'that is no path for a socket: it may be too long',
  ENAMETOOLONG: 'that is no path for a socket: it may be too long',
}
