import type { ListenOptions } from '../core/connection.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'

/** Why a server could not listen, in one line that says what to do. */
export function listenFailed(cause: unknown, { port, hostname, unix }: ListenOptions): PartylineError {
  const where = unix ?? `${hostname}:${port}`
  const code = String((cause as { code?: unknown } | null)?.code ?? '')
  const reason = reasons[code] ?? String(cause)
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
