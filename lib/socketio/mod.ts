import type { DialectFactory } from '../core/dialect.ts'
import { SocketioCodec } from './codec.ts'
import { SocketioDialect } from './dialect.ts'
import { engineRules } from './engine/options.ts'
import { Offsets } from './offset.ts'
import { type SocketioOptions, socketioProblems, socketioRules } from './options.ts'

export type { CorsOptions, TransportName } from './engine/options.ts'
export type { SocketioOptions } from './options.ts'

/**
 * Serves clients of Socket.IO 3 and 4 as they are (Socket.IO protocol 5, Engine.IO protocol 4): a gateway's path is a namespace, and
 * what is emitted to its rooms reaches them with all others. For the option `dialects` of `createApp`, of one app.
 *
 * @example
 * ```ts
 * import { createApp, Gateway, On, type Socket } from 'partyline'
 * import { socketio } from 'partyline/socketio'
 *
 * @Gateway('/chat')
 * class Chat {
 *   @On() say(socket: Socket, text: string) {
 *     socket.emit('said', text)
 *   }
 * }
 *
 * createApp(Chat, { dialects: [socketio({ connectionStateRecovery: true })] })
 * ```
 */
export function socketio(options: SocketioOptions = {}): DialectFactory {
  const rules = socketioRules(options)
  const offsets = new Offsets()
  const codecs = new Map<string, SocketioCodec>()
  return {
    name: 'socketio',
    payload: engineRules(rules.engine).maxPayload,
    problems: socketioProblems(rules),
    codec(place) {
      const { maxAttachments: attachments, recovery } = rules
      const codec = new SocketioCodec(place, { attachments, offsets, recovery })
      codecs.set(place.path, codec)
      return codec
    },
    open: (host) => new SocketioDialect(host, codecs, rules.recovery ? offsets : undefined, rules),
  }
}
