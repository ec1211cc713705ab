import { closeCodes } from '../protocol/close.ts'
import type { EngineEnd } from './engine/transport.ts'

/** RFC 6455, section 7.4.1: what came was against the protocol. */
export const PROTOCOL_ERROR = 1002

/** Nothing was said: the line broke. */
const BROKEN = 1006

/**
 * The codes after which a client is to come back. Clients of Socket.IO come back by themselves where the whole connection is closed, and
 * only then: after DISCONNECT they stay away. A failure in one gateway is not to disturb the others.
 */
const CLOSING_ALL: ReadonlySet<number> = new Set(
  Object.values(closeCodes).flatMap(({ code, reconnect }) =>
    reconnect && code !== closeCodes.internal.code ? code : [],
  ),
)

/** Whether a namespace that is closed with that code takes the connection with it. */
export function closesAll(code: number): boolean {
  return CLOSING_ALL.has(code)
}

/**
 * The code with which a namespace ends when the connection has. Clients leave namespaces by DISCONNECT. One that goes without, however
 * politely its transport was closed, may come back to a session that can be resumed.
 */
export function codeOf({ cause, code }: EngineEnd, canReturn: boolean): number {
  return cause === 'transport close' && canReturn ? BROKEN : code
}
