import { Gateway, Module, On, OnMessage, OnOpen, type Socket } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import type { Fleet, Member } from './fleet.ts'

/** A gateway whose clients go where they say. */
@Gateway('/talk')
export class Talk {
  @OnOpen() opened(socket: Socket) {
    socket.data.name = socket.query.get('name')
  }

  @On() enter(socket: Socket, rooms: string[]) {
    socket.join(...rooms)
  }

  @On() exit(socket: Socket, rooms: string[]) {
    socket.leave(...rooms)
  }

  @On() toOthers(socket: Socket, rooms: string[]) {
    socket.to(...rooms).emit('toOthers')
  }

  @On() broadcast(socket: Socket) {
    socket.broadcast.emit('broadcast')
  }
}

/** One without frames, and with parameters. */
@Gateway('/bare/:room', { protocol: 'raw' })
export class Bare {
  @OnOpen() opened(socket: Socket) {
    socket.join(socket.params.room as string)
  }

  @OnMessage() message(socket: Socket, text: string) {
    socket.broadcast.send(text)
  }
}

@Module({ gateways: [Talk, Bare] })
export class TalkModule {}

export const MSGPACK = 'partyline.msgpack.v1'

export const codecs = [msgpack()]

/** A client that speaks JSON and has entered rooms. */
export async function guest(fleet: Fleet, node: Fleet['nodes'][0], ...rooms: string[]): Promise<Member> {
  const member = await fleet.connect(node, '/talk')
  if (rooms.length > 0) member.client.send(JSON.stringify({ event: 'enter', data: rooms }))
  return member
}

/** So many nodes, and clients of theirs by node and rooms. */
export async function party(
  fleet: Fleet,
  ...rooms: readonly (readonly string[])[][]
): Promise<{ nodes: Fleet['nodes']; members: Member[] }> {
  const nodes = await fleet.launch(rooms.length, TalkModule, { codecs })
  const members: Member[] = []
  for (const [i, node] of nodes.entries())
    for (const names of rooms[i] ?? []) members.push(await guest(fleet, node, ...names))
  await fleet.settled(Talk, members.length)
  return { nodes, members }
}

/** An event without data, as JSON. */
export function frame(event: string): string {
  return `{"event":"${event}","args":[]}`
}
