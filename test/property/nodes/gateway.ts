import { Gateway, GatewayContext, On, OnOpen, OnResume, type Socket } from 'partyline'
import type { Chronicle } from './chronicle.ts'

/** How long a handler takes that takes its time, in milliseconds. */
export const SLOW = 900

/** What a client tells the server: always its next number, and what to do. */
export interface Word {
  guest: number
  n: number
  op: 'nothing' | 'echo' | 'room' | 'wait' | 'ask'
}

export const ROOMS = ['even', 'odd'] as const

/** The gateway as it is on one node. */
export function gatewayOn(
  node: { readonly number: number },
  chronicle: Chronicle,
  wait: () => Promise<void>,
) {
  @Gateway('/g', { recovery: { window: 20_000 } })
  class Server {
    constructor(readonly context: GatewayContext) {}

    @OnOpen() opened(socket: Socket) {
      chronicle.opened(socket.id)
      const room = ROOMS[chronicle.sessions.size % 2] as string
      socket.join(room)
      chronicle.joined(socket.id, room)
    }

    @OnResume() resumed(socket: Socket) {
      chronicle.resumed(socket.id, node.number)
    }

    @On() say(socket: Socket, { guest, n, op }: Word) {
      chronicle.handled(socket.id, guest, n, node.number)
      socket.data.said = n
      if (op === 'echo') this.tell(socket)
      if (op === 'room') this.publish(ROOMS[n % 2])
      if (op === 'wait') return wait().then(() => -n)
      if (op === 'ask') this.ask(socket)
      return -n
    }

    tell(socket: Socket): void {
      socket.emit('n', chronicle.told(socket.id, node.number))
    }

    publish(room?: string): void {
      const k = chronicle.published(room, node.number)
      if (room === undefined) this.context.emit('n', k)
      else this.context.to(room).emit('n', k)
    }

    ask(socket: Socket): void {
      const asked = chronicle.asked(socket.id)
      socket.call('key', asked.key, { timeout: 5_000 }).then(
        (answer) => {
          asked.ends.push(answer)
        },
        (error) => {
          asked.ends.push(error)
        },
      )
    }
  }
  return Server
}

export type Server = InstanceType<ReturnType<typeof gatewayOn>>
