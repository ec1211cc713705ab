import { OPEN, type Wire } from '../load/wire.ts'

/** Socket.IO's packets by hand, over WebSocket from the beginning, in the main namespace: Engine.IO's `4` and the packet. */
export const socketio: Wire = {
  path: '/socket.io/?EIO=4&transport=websocket',
  greet: (payload) => {
    if (payload === '2') return '3'
    if (payload.startsWith('0')) return '40'
    return payload.startsWith('40') ? OPEN : undefined
  },
  encode: (message) => {
    if ('ack' in message) return `43${message.ack}${JSON.stringify([message.data])}`
    return `42${message.id ?? ''}${JSON.stringify([message.event, message.data])}`
  },
  decode: (payload) => {
    const [, type, id, json] = /^4([23])(\d*)(.*)$/.exec(new TextDecoder().decode(payload)) ?? []
    const list = JSON.parse(json ?? '[]') as [string, unknown]
    return type === '3' ? { ack: Number(id), data: list[0] } : { event: list[0], data: list[1] }
  },
}
