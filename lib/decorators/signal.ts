import type { HandlerDecorator } from './dialect.ts'
import { tagging } from './tags.ts'

/** What can be listened to over all gateways; see `Signals`. */
export type SignalName = 'connected' | 'disconnected' | 'message' | 'event'

/**
 * Makes a method of any provider listen to a signal of all gateways: `connected (socket)`, `disconnected (socket,
 * reason)`, `message (socket, message)`, `event (socket, event)`, and `event` of one name after the general one.
 *
 * @example
 * ```ts
 * import { Injectable, OnSignal, type Socket, type SocketEvent } from 'partyline'
 *
 * @Injectable()
 * class Audit {
 *   @OnSignal('connected') connected(socket: Socket) {
 *     console.log('arrived', socket.id)
 *   }
 *   @OnSignal('event', 'join') joined(socket: Socket, event: SocketEvent) {
 *     console.log('joined', event.data)
 *   }
 * }
 * ```
 */
export function OnSignal(signal: 'event', event?: string): HandlerDecorator
export function OnSignal(signal: Exclude<SignalName, 'event'>): HandlerDecorator
export function OnSignal(signal: SignalName, event?: string): HandlerDecorator {
  return tagging(`@OnSignal('${signal}')`, { kind: 'signal', signal, event })
}
