import { afterEach, describe, expect, test } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  Injectable,
  Module,
  On,
  OnClose,
  OnMessage,
  OnOpen,
  OnSignal,
  type Provider,
  type Socket,
  type SocketEvent,
} from 'partyline'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

@Gateway('/party')
class Party {
  @OnOpen() opened() {
    notes.push('@OnOpen')
  }

  @OnClose() closed() {
    notes.push('@OnClose')
  }

  @On() join(_: Socket, name: string) {
    notes.push(`handled join ${name}`)
    return 'welcome'
  }

  @On() message(_: Socket, text: string) {
    notes.push(`handled message ${text}`)
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  @OnMessage() message(_: Socket, text: string) {
    notes.push(`handled raw ${text}`)
  }
}

@Injectable()
class Audit {
  @OnSignal('connected') connected(socket: Socket) {
    notes.push(`connected ${socket.path}`)
  }

  @OnSignal('disconnected') disconnected(socket: Socket, { code, reason }: CloseReason) {
    notes.push(`disconnected ${socket.path} ${code} ${reason}`)
  }

  // Before the general one in the source, and after it in effect.
  @OnSignal('event', 'join') joined(_: Socket, event: SocketEvent) {
    notes.push(`join ${event.data}`)
  }

  @OnSignal('event') event(_: Socket, event: SocketEvent) {
    notes.push(`event ${event.name} ${event.args.length}`)
  }

  @OnSignal('message') message(_: Socket, message: unknown) {
    notes.push(`message ${message}`)
  }
}

function startWith(...providers: Provider[]) {
  @Module({ gateways: [Party, Raw], providers })
  class TestModule {}
  return start(TestModule)
}

describe('signals, by decorator', () => {
  test('tell of an arrival before @OnOpen, and of an end after @OnClose, with the reason', async () => {
    const { app, connect } = await startWith(Audit)
    const client = await connect('/party')
    client.close(4_000, 'enough')
    await app.stop()
    expect(notes).toEqual(['connected /party', '@OnOpen', '@OnClose', 'disconnected /party 4000 enough'])
  })

  test('tell of an event before it is handled: the general listeners first, then those of its name', async () => {
    const { connect } = await startWith(Audit)
    const client = await connect('/party')
    notes.length = 0
    client.send('{"event":"join","data":"Ada","id":1}')
    expect(notes).toEqual(['event join 1', 'join Ada', 'handled join Ada'])
    expect(client.received).toEqual(['{"ack":1,"data":"welcome"}'])
  })

  test('tell of a message, which is the event of that name, and all that a raw gateway gets', async () => {
    const { connect } = await startWith(Audit)
    const [party, raw] = [await connect('/party'), await connect('/raw')]
    notes.length = 0
    party.send('{"event":"message","data":"framed"}')
    raw.send('as it is')
    expect(notes).toEqual([
      ...['message framed', 'event message 1', 'handled message framed'],
      ...['message as it is', 'event message 1', 'handled raw as it is'],
    ])
  })

  test('tell of every gateway', async () => {
    const { app, connect } = await startWith(Audit)
    await connect('/party')
    await connect('/raw')
    await app.stop()
    const ends = notes.filter((note) => note.startsWith('connected') || note.startsWith('disconnected'))
    expect(ends).toEqual([
      'connected /party',
      'connected /raw',
      'disconnected /party 1001 the server is going away',
      'disconnected /raw 1001 the server is going away',
    ])
  })

  test('tell of events that no handler takes, which by that alone are not handled', async () => {
    const { connect } = await startWith(Audit)
    const client = await connect('/party')
    notes.length = 0
    client.send('{"event":"nobody","id":1}')
    expect(notes).toEqual(['event nobody 0'])
    expect(client.received).toEqual([
      '{"ack":1,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"nobody\\" at /party"}}',
    ])
  })

  test('reach gateways, values and what factories made, each instance once', async () => {
    class Listener {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }

      @OnSignal('connected') heard() {
        notes.push(`heard by ${this.name}`)
      }
    }

    @Gateway('/ears')
    class Ears extends Listener {
      constructor() {
        super('a gateway')
      }
    }

    const value = new Listener('a value')
    const providers: Provider[] = [
      { provide: 'value', useValue: value },
      { provide: 'alias', useExisting: 'value' },
      { provide: 'same', useValue: value },
      { provide: 'made', useFactory: async () => new Listener('a factory') },
    ]

    @Module({ gateways: [Ears], providers })
    class TestModule {}

    const { connect } = await start(TestModule)
    await connect('/ears')
    expect(notes.toSorted()).toEqual(['heard by a factory', 'heard by a gateway', 'heard by a value'])
  })

  test('reach what is built only when somebody asks for it', async () => {
    const { app, connect } = await startWith()
    await connect('/raw')
    expect(notes).toEqual([])
    app.get(Audit)
    app.get(Audit)
    await connect('/raw')
    expect(notes).toEqual(['connected /raw'])
  })

  test('are inherited, and one method can listen to several', async () => {
    class Base {
      @OnSignal('connected') @OnSignal('event', 'join') note(...args: unknown[]) {
        notes.push(`noted ${args.length}`)
      }

      @OnSignal('disconnected') gone() {
        notes.push('gone by Base')
      }
    }

    @Injectable()
    class Heir extends Base {
      override gone() {
        notes.push('gone by Heir')
      }
    }

    const { app, connect } = await startWith(Heir)
    const client = await connect('/raw')
    client.send('join')
    const party = await connect('/party')
    party.send('{"event":"join"}')
    await app.stop()
    const theirs = notes.filter((note) => note.startsWith('noted') || note.startsWith('gone'))
    expect(theirs).toEqual(['noted 1', 'noted 1', 'noted 2', 'gone by Heir', 'gone by Heir'])
  })
})
