import type { HandlerDecorator } from './dialect.ts'
import { tagging } from './tags.ts'

/**
 * Runs with `(socket)` when a socket has arrived, before any of its events; events wait for its promise. If it throws,
 * the socket is closed with 1011. No client can trigger it.
 *
 * @example
 * ```ts
 * import { Gateway, OnOpen, type Socket } from 'partyline'
 *
 * @Gateway('/party')
 * class PartyGateway {
 *   @OnOpen() opened(socket: Socket) {
 *     socket.join('dance floor')
 *   }
 * }
 * ```
 */
export function OnOpen(): HandlerDecorator {
  return tagging('@OnOpen()', { kind: 'open' })
}

/**
 * Runs with `(socket, reason)` once when a socket has gone, after the events that it sent before. The socket is then in
 * no audience any more; its `rooms` still tell where it was.
 *
 * @example
 * ```ts
 * import { type CloseReason, Gateway, OnClose, type Socket } from 'partyline'
 *
 * @Gateway('/party')
 * class PartyGateway {
 *   @OnClose() closed(socket: Socket, reason: CloseReason) {
 *     console.log(`${socket.id} left with ${reason.code}`)
 *   }
 * }
 * ```
 */
export function OnClose(): HandlerDecorator {
  return tagging('@OnClose()', { kind: 'close' })
}

/**
 * Runs with `(socket, reason)` when the line of a socket has broken, on a gateway with `recovery`: the client may come back, and
 * gets then what is sent to it in the meantime. Its rooms, its `data` and its identity stay; handlers that run go on.
 *
 * @example
 * ```ts
 * import { type CloseReason, Gateway, OnSuspend, type Socket } from 'partyline'
 *
 * @Gateway('/party', { recovery: { window: 60_000 } })
 * class PartyGateway {
 *   @OnSuspend() away(socket: Socket, reason: CloseReason) {
 *     socket.broadcast.emit('away', socket.id)
 *   }
 * }
 * ```
 */
export function OnSuspend(): HandlerDecorator {
  return tagging('@OnSuspend()', { kind: 'suspend' })
}

/**
 * Runs with `(socket)` when the client of a suspended socket is back, after what it missed was sent again; its events wait
 * for the promise. Its handshake is the new one, its identity the same user's.
 *
 * @example
 * ```ts
 * import { Gateway, OnResume, type Socket } from 'partyline'
 *
 * @Gateway('/party', { recovery: {} })
 * class PartyGateway {
 *   @OnResume() back(socket: Socket) {
 *     socket.broadcast.emit('back', socket.id)
 *   }
 * }
 * ```
 */
export function OnResume(): HandlerDecorator {
  return tagging('@OnResume()', { kind: 'resume' })
}

/**
 * Gets every message of a raw gateway, as `(socket, message)`: a string for text, a `Uint8Array` for bytes.
 *
 * @example
 * ```ts
 * import { Gateway, OnMessage, type Socket } from 'partyline'
 *
 * @Gateway('/echo', { protocol: 'raw' })
 * class Echo {
 *   @OnMessage() message(socket: Socket, message: string | Uint8Array) {
 *     socket.send(message)
 *   }
 * }
 * ```
 */
export function OnMessage(): HandlerDecorator {
  return tagging('@OnMessage()', { kind: 'message' })
}

/**
 * Gets the first message of each socket of a raw gateway, as `(socket, message)`. If it returns nothing the message
 * goes on to `@OnMessage`; returning true or false ends its way here.
 *
 * @example
 * ```ts
 * import { Gateway, OnFirstMessage, OnMessage, type Socket } from 'partyline'
 *
 * @Gateway('/chat', { protocol: 'raw' })
 * class Chat {
 *   @OnFirstMessage() named(socket: Socket, name: string) {
 *     socket.data.name = name
 *     return true
 *   }
 *   @OnMessage() said(socket: Socket, text: string) {
 *     socket.send(`${socket.data.name}: ${text}`)
 *   }
 * }
 * ```
 */
export function OnFirstMessage(): HandlerDecorator {
  return tagging('@OnFirstMessage()', { kind: 'firstMessage' })
}
