import { expect, test } from 'bun:test'
import { type Codec, Gateway, GatewayContext, json, On, type Socket } from 'partyline'
import { until } from '../support/until.ts'
import type { Client } from './client.ts'
import type { Running, Start } from './start.ts'

/** A gateway whose clients say where they go and whom they speak to. */
@Gateway('/rooms')
class Rooms {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, rooms: string[]) {
    socket.join(...rooms)
    return [...socket.rooms]
  }

  @On() leave(socket: Socket, rooms: string[]) {
    socket.leave(...rooms)
    return [...socket.rooms]
  }

  @On() sizes() {
    return Object.fromEntries(this.context.rooms)
  }

  @On() all() {
    this.context.emit('all')
  }

  @On() to(_: Socket, rooms: string[]) {
    this.context.to(...rooms).emit('to', rooms)
  }

  @On() toOthers(socket: Socket, rooms: string[]) {
    socket.to(...rooms).emit('toOthers', rooms)
  }

  @On() broadcast(socket: Socket) {
    socket.broadcast.emit('broadcast')
  }

  @On() except(socket: Socket, room: string) {
    this.context.except(socket, room).emit('except')
  }

  @On() toExcept(socket: Socket, [room, other]: [string, string]) {
    this.context.to(room).except(other).except(socket).emit('toExcept')
  }

  @On() othersExcept(socket: Socket, room: string) {
    socket.except(room).emit('othersExcept')
  }

  @On() emitThenLeave(socket: Socket) {
    socket.join('door')
    this.context.to('door').emit('inside')
    socket.leave('door')
    this.context.to('door').emit('outside')
  }

  @On() async emitThenLeaveLater(socket: Socket) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    this.emitThenLeave(socket)
  }
}

/** So many clients, of which each has joined what stands at its place. */
async function guests(app: Running, ...joined: string[][]): Promise<Client[]> {
  const clients: Client[] = []
  for (const rooms of joined) {
    const client = await app.connect('/rooms')
    expect(await client.ask(`{"event":"join","data":${JSON.stringify(rooms)},"id":1}`)).toBe(
      `{"ack":1,"data":${JSON.stringify(rooms)}}`,
    )
    clients.push(client)
  }
  return clients
}

/** What each has received since it was last asked. */
function flushed(clients: Client[]): Promise<unknown[][]> {
  return Promise.all(clients.map((client) => client.flushed()))
}

export function rooms(start: Start): void {
  test('an emit to a room reaches those in it, the sender included', async () => {
    const clients = await guests(await start(Rooms), ['a'], ['a', 'b'], ['b'], [])
    clients[0]?.send('{"event":"to","data":["a"]}')
    await clients[0]?.flushed()
    clients[2]?.send('{"event":"to","data":["b"]}')
    expect((await clients[2]?.flushed()) ?? []).toEqual(['{"event":"to","data":["b"]}'])
    expect(await flushed(clients)).toEqual([
      [],
      ['{"event":"to","data":["a"]}', '{"event":"to","data":["b"]}'],
      [],
      [],
    ])
    expect(clients[0]?.received).toContain('{"event":"to","data":["a"]}')
  })

  test('an emit to several rooms reaches those in any of them, once', async () => {
    const clients = await guests(await start(Rooms), ['a'], ['a', 'b'], ['b'], ['c'])
    expect(await clients[0]?.ask('{"event":"to","data":["a","b"]}')).toBe('{"event":"to","data":["a","b"]}')
    const once = ['{"event":"to","data":["a","b"]}']
    expect(await flushed(clients)).toEqual([[], once, once, []])
  })

  test('rooms named one after another are rooms named together', async () => {
    const app = await start(Rooms)
    const clients = await guests(app, ['a'], ['b'], ['c'])
    app.app.get(Rooms).context.to('a').to('b').emit('both')
    const both = ['{"event":"both","args":[]}']
    expect(await flushed(clients)).toEqual([both, both, []])
  })

  test('an emit to a room that nobody is in reaches nobody', async () => {
    const clients = await guests(await start(Rooms), ['a'], [])
    clients[0]?.send('{"event":"to","data":["empty"]}', '{"event":"to","data":["empty","void"]}')
    expect(await flushed(clients)).toEqual([[], []])
  })

  test('`socket.to` leaves the sender out, whether it is in the room or not', async () => {
    const clients = await guests(await start(Rooms), ['a', 'b'], ['a'], ['b'], [])
    const [member, , , outsider] = clients
    member?.send('{"event":"toOthers","data":["a"]}')
    expect(await flushed(clients)).toEqual([[], ['{"event":"toOthers","data":["a"]}'], [], []])
    member?.send('{"event":"toOthers","data":["a","b"]}')
    const both = ['{"event":"toOthers","data":["a","b"]}']
    expect(await flushed(clients)).toEqual([[], both, both, []])
    outsider?.send('{"event":"toOthers","data":["b"]}')
    await outsider?.flushed()
    const b = ['{"event":"toOthers","data":["b"]}']
    expect(await flushed(clients)).toEqual([b, [], b, []])
  })

  test('`broadcast` reaches everybody but the sender', async () => {
    const clients = await guests(await start(Rooms), [], ['a'], [])
    clients[0]?.send('{"event":"broadcast"}')
    const frame = ['{"event":"broadcast","args":[]}']
    await clients[0]?.flushed()
    expect(await flushed(clients)).toEqual([[], frame, frame])
  })

  test('`except` leaves out sockets and the members of rooms', async () => {
    const clients = await guests(await start(Rooms), [], ['muted'], ['a'], ['a', 'muted'])
    clients[0]?.send('{"event":"except","data":"muted"}')
    await clients[0]?.flushed()
    expect(await flushed(clients)).toEqual([[], [], ['{"event":"except","args":[]}'], []])
    clients[0]?.send('{"event":"toExcept","data":["a","muted"]}')
    await clients[0]?.flushed()
    expect(await flushed(clients)).toEqual([[], [], ['{"event":"toExcept","args":[]}'], []])
    clients[2]?.send('{"event":"othersExcept","data":"muted"}')
    await clients[2]?.flushed()
    expect(await flushed(clients)).toEqual([['{"event":"othersExcept","args":[]}'], [], [], []])
  })

  test('who has left a room, or gone, is not reached in it; a room lives while somebody is in it', async () => {
    const app = await start(Rooms)
    const clients = await guests(app, ['a', 'b'], ['a'], ['b'])
    const [staying, leaving, going] = clients as [Client, Client, Client]
    expect(await staying.ask('{"event":"sizes","id":2}')).toBe('{"ack":2,"data":{"a":2,"b":2}}')
    expect(await leaving.ask('{"event":"leave","data":["a","never joined"],"id":3}')).toBe(
      '{"ack":3,"data":[]}',
    )
    going.close()
    await until(() => app.app.sockets.size === 2, 'the socket to be gone')
    expect(await staying.ask('{"event":"sizes","id":4}')).toBe('{"ack":4,"data":{"a":1,"b":1}}')
    staying.send('{"event":"to","data":["a"]}', '{"event":"to","data":["b"]}')
    expect(await staying.flushed()).toEqual(['{"event":"to","data":["a"]}', '{"event":"to","data":["b"]}'])
    expect(await leaving.flushed()).toEqual([])
    expect(await staying.ask('{"event":"leave","data":["a","b"],"id":5}')).toBe('{"ack":5,"data":[]}')
    expect(await staying.ask('{"event":"sizes","id":6}')).toBe('{"ack":6,"data":{}}')
  })

  test('joining twice is joining once', async () => {
    const [client] = await guests(await start(Rooms), ['a'])
    expect(await client?.ask('{"event":"join","data":["a","a"],"id":2}')).toBe('{"ack":2,"data":["a"]}')
    client?.send('{"event":"to","data":["a"]}')
    expect(await client?.flushed()).toEqual(['{"event":"to","data":["a"]}'])
    expect(await client?.ask('{"event":"leave","data":["a"],"id":3}')).toBe('{"ack":3,"data":[]}')
    client?.send('{"event":"to","data":["a"]}')
    expect(await client?.flushed()).toEqual([])
  })

  test.each(['emitThenLeave', 'emitThenLeaveLater'])(
    'what was sent to a room before leaving it still arrives, what is sent after does not (%s)',
    async (event) => {
      const clients = await guests(await start(Rooms), ['door'], [])
      expect(await clients[1]?.ask(`{"event":"${event}","id":9}`)).toBe('{"event":"inside","args":[]}')
      expect(await clients[1]?.next()).toBe('{"ack":9}')
      const both = ['{"event":"inside","args":[]}', '{"event":"outside","args":[]}']
      expect(await flushed(clients)).toEqual([both, []])
    },
  )

  test('names of rooms are any text: separators, emptiness and prototypes mean nothing', async () => {
    const names = ['', 'a', 'a\0b', '__proto__', 'constructor', '0', 'ä ☃']
    const clients = await guests(await start(Rooms), ...names.map((name) => [name]))
    for (const [i, name] of names.entries()) {
      const data = JSON.stringify([name])
      await clients[i]?.ask(`{"event":"to","data":${data}}`)
      expect(clients[i]?.received.at(-1)).toBe(`{"event":"to","data":${data}}`)
      expect(await flushed(clients)).toEqual(names.map(() => []))
    }
  })

  test('members of a room that speak another subprotocol get the same event in theirs', async () => {
    const plain = json()
    const shouting: Codec = {
      subprotocol: 'shouting',
      decode: (message) => plain.decode(String(message).toLowerCase()),
      encode: (frame) => String(plain.encode(frame)).toUpperCase(),
    }
    const app = await start(Rooms, { codecs: [shouting] })
    const loud = await app.connect('/rooms', { subprotocols: ['shouting'] })
    expect(await loud.next()).toStartWith('{"HELLO"')
    const calm = (await guests(app, ['a'])) as [Client]
    expect(await loud.ask('{"EVENT":"JOIN","DATA":["A"],"ID":1}')).toBe('{"ACK":1,"DATA":["A"]}')
    loud.send('{"EVENT":"TO","DATA":["A"]}')
    expect(await loud.next()).toBe('{"EVENT":"TO","DATA":["A"]}')
    expect(await calm[0].next()).toBe('{"event":"to","data":["a"]}')
    calm[0].send('{"event":"broadcast"}')
    expect(await loud.next()).toBe('{"EVENT":"BROADCAST","ARGS":[]}')
    expect(await calm[0].flushed()).toEqual([])
  })

  // Native topics were made of the names, as UTF-8: there a lone surrogate is U+FFFD, and its member got what went to the
  // room of that name.
  test('a name that is no well-formed text is a room of its own', async () => {
    const clients = await guests(await start(Rooms), ['\ufffd'], ['\ud800'], ['\udfff'])
    const [member] = clients as [Client]
    expect(await member.ask('{"event":"to","data":["\ufffd"]}')).toBe('{"event":"to","data":["\ufffd"]}')
    expect(await flushed(clients)).toEqual([[], [], []])
    expect(await member.ask('{"event":"sizes","id":2}')).toBe(
      '{"ack":2,"data":{"\ufffd":1,"\\ud800":1,"\\udfff":1}}',
    )
  })

  // `["admin"]` is not the 'admin' that an application refuses, but it became the topic of that room.
  test('a name that is no string is refused, and no room is entered or left', async () => {
    const app = await start(Rooms)
    const [boss, guest] = (await guests(app, ['admin', 'a'], ['a'])) as [Client, Client]
    const internal = '"error":{"code":"INTERNAL","message":"the server failed to handle this"}'
    for (const [i, name] of ['["admin"]', '{"length":5}', '5', 'null', 'true'].entries()) {
      for (const event of ['join', 'leave', 'to', 'toOthers']) {
        const answer = await guest.ask(`{"event":"${event}","data":["a",${name}],"id":${i}}`)
        expect(answer).toBe(`{"ack":${i},${internal}}`)
      }
      expect(await guest.ask(`{"event":"except","data":${name},"id":${i}}`)).toBe(`{"ack":${i},${internal}}`)
    }
    const errors = app.logged().map(({ error }) => String(error))
    expect(errors).toHaveLength(25)
    expect(new Set(errors)).toEqual(
      new Set(
        ['an array', 'of type object', 'of type number', 'null', 'of type boolean'].map(
          (what) => `TypeError: a room's name is a string, not ${what}`,
        ),
      ),
    )
    expect(await guest.ask('{"event":"sizes","id":9}')).toBe('{"ack":9,"data":{"admin":1,"a":2}}')
    expect(await boss.ask('{"event":"to","data":["admin"]}')).toBe('{"event":"to","data":["admin"]}')
    expect(await flushed([boss, guest])).toEqual([[], []])
  })

  // A list of rooms that happened to be empty was no list: what was for nobody went to everybody.
  test('an emit to no room at all reaches nobody', async () => {
    const app = await start(Rooms)
    const clients = await guests(app, ['a'], [])
    clients[0]?.send('{"event":"to","data":[]}', '{"event":"toOthers","data":[]}')
    expect(await flushed(clients)).toEqual([[], []])
    const { context } = app.app.get(Rooms)
    const nobody = context.to()
    expect(nobody.sockets).toEqual([])
    nobody.except('b', 'c').emit('nobody')
    expect(nobody.to('a').sockets).toHaveLength(1)
    expect(await flushed(clients)).toEqual([[], []])
  })
}
