import type { Refused } from '../core/dialect.ts'
import { MAIN, packetTypes } from './packet.ts'

/** A packet to a client that names no event: Engine.IO's `4`, the type, and the namespace. */
function head(type: number, namespace: string): string {
  return `4${type}${namespace === MAIN ? '' : `${namespace},`}`
}

/** Section "Disconnection from a namespace". */
export function disconnect(namespace: string): string {
  return head(packetTypes.disconnect, namespace)
}

/**
 * Section "Connection to a namespace": why it is refused. Clients make an error of it, with what is in `data` beside. Where there is no
 * such namespace, the words are those of the reference server.
 */
export function connectError(
  namespace: string,
  refused: Pick<Refused, 'code' | 'message' | 'details'> | undefined,
): string {
  const { message = 'Invalid namespace', code, details } = refused ?? {}
  const body = code === undefined ? { message } : { message, data: { code, details } }
  return head(packetTypes.connectError, namespace) + write(body)
}

/** Details are the application's: where they cannot be written they are left out. */
function write(body: { message: string; data?: { code: string; details: unknown } }): string {
  try {
    return JSON.stringify(body)
  } catch {
    return JSON.stringify({ message: body.message, data: { code: body.data?.code } })
  }
}
