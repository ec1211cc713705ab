import { afterEach, describe, expect, test } from 'bun:test'
import {
  type Dialect,
  type DialectFactory,
  type DialectHost,
  Gateway,
  Module,
  On,
  type Socket,
  several,
} from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { socketio } from 'partyline/socketio'
import { bytes, hex } from '../support/hex.ts'
import { finish, mistakesIn, put, start } from './in-memory.ts'

const notes: unknown[] = []

/** Answers with what it was told of a request. */
class Telling implements Dialect {
  readonly host: DialectHost

  constructor(host: DialectHost) {
    this.host = host
  }

  serves(path: string): boolean {
    if (path === '/broken') throw new Error('a dialect that breaks its promise')
    return path === '/dialect'
  }

  async handle(_: Request, url: URL, { ip }: { ip: string }, upgrade: boolean): Promise<Response> {
    const verdict = await this.host.knock({
      ...{ path: url.searchParams.get('path') ?? '/', url: url.href, ip },
      ...{ headers: new Headers(), auth: undefined, resume: undefined },
    })
    return Response.json({
      ip,
      upgrade,
      verdict: typeof verdict === 'string' || 'status' in verdict ? verdict : Object.keys(verdict),
    })
  }

  drain(): void {
    notes.push('drain')
  }

  async stop(): Promise<void> {
    notes.push('stop')
  }
}

/** A dialect that speaks with no gateway. */
const telling = (name = 'telling', problems: string[] = []): DialectFactory => ({
  ...{ name, payload: 10, problems },
  open: (host) => new Telling(host),
})

/** One that speaks with all. */
const speaking: DialectFactory = { ...socketio(), ...telling('speaking') }

@Gateway('/halls/:facility', { channels: { publish: true } })
class Halls {}

@Gateway('/plain')
class Plain {}

@Gateway('/:name')
class Main {
  @On() two(_: Socket, ...args: unknown[]): unknown {
    return several(...args)
  }
}

@Module({ gateways: [Main] })
class All {}

@Module({ gateways: [Halls, Plain] })
class Open {}

const UPGRADE = {
  ...{ upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13' },
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

describe('a dialect', () => {
  afterEach(async () => {
    await finish()
    notes.length = 0
  })

  const ask = async (path: string, headers: Record<string, string> = {}, options = {}) => {
    const one = await start(All, { dialects: [telling()], ...options })
    const response = await one.app.runtime.fetch(new Request(`http://localhost${path}`, { headers }))
    return [response.status, await response.json()] as [number, unknown]
  }

  test('is asked before gateways, and speaks with those only that have its codec', async () => {
    expect(await ask('/dialect')).toEqual([200, { ip: '127.0.0.1', upgrade: false, verdict: 'unknown' }])
    expect((await ask('/other'))[0]).toBe(426)
  })

  test('carries no channels, and says so to who asks for them in its url', async () => {
    const one = await start(Open, { dialects: [speaking] })
    const knock = async (search: string): Promise<unknown> => {
      const response = await one.app.runtime.fetch(new Request(`http://localhost/dialect?path=${search}`))
      return (await response.json()).verdict
    }
    const refused = {
      ...{ status: 400, code: 'INVALID_DATA' },
      message:
        'channels cannot be heard or published to over speaking: leave subscribe-… and publish-… out of the url, ' +
        'or connect with a plain WebSocket',
    }
    const letIn = ['path', 'handler', 'refusal']
    expect(await knock('/halls/red&subscribe-broadcast')).toEqual(refused)
    expect(await knock('/halls/red&publish-broadcast')).toEqual(refused)
    expect(await knock('/halls/red&echo')).toEqual(letIn)
    expect(await knock('/plain&subscribe-broadcast')).toEqual(letIn.slice(0, 2))
  })

  test('is told the address that the app believes', async () => {
    const [, told] = await ask('/dialect', { 'x-forwarded-for': '10.0.0.7' }, { trustProxy: true })
    expect(told).toMatchObject({ ip: '10.0.0.7' })
  })

  test('is asked for no handshake that is wrong, and by no page that may not', async () => {
    expect((await ask('/dialect', { ...UPGRADE, 'sec-websocket-version': '8' }))[0]).toBe(426)
    expect((await ask('/dialect', { ...UPGRADE, 'sec-websocket-key': 'x' }))[0]).toBe(400)
    expect((await ask('/dialect', { ...UPGRADE, origin: 'http://elsewhere' }))[0]).toBe(403)
    expect((await ask('/dialect', { origin: 'http://elsewhere' }))[0]).toBe(403)
    expect(await ask('/dialect', { origin: 'http://elsewhere' }, { origins: '*' })).toMatchObject([200, {}])
    expect(await ask('/dialect', { ...UPGRADE, origin: 'http://localhost' })).toMatchObject([
      200,
      { upgrade: true },
    ])
  })

  test('is among what the app serves, and ends with it', async () => {
    const one = await start(All, { dialects: [telling()] })
    expect([one.app.serves('/dialect'), one.app.serves('/a/b')]).toEqual([true, false])
    await one.app.stop()
    expect(notes).toEqual(['drain', 'stop'])
  })

  test('that breaks its promises fails a request, and nothing else', async () => {
    const one = put(All, { dialects: [telling()] })
    const response = await one.app.runtime.fetch(new Request('http://localhost/broken'))
    expect(response.status).toBe(500)
    expect(one.logged()).toHaveLength(1)
  })

  test('hides no gateway without a word', () => {
    @Gateway('/dialect/')
    class Hidden {}

    @Module({ gateways: [Hidden, Main] })
    class Both {}

    expect(mistakesIn(Both, { dialects: [telling()] })).toEqual([
      'Hidden is at /dialect, where another protocol of the option "dialects" is served: nobody would reach it. Give one of ' +
        'them another path.',
    ])
  })

  test('has problems that are told when the app is put together, and a name of its own', () => {
    expect(
      mistakesIn(All, { dialects: [telling('a', ['a has a problem.']), telling('b'), telling('b')] }),
    ).toEqual([
      'a has a problem.',
      'the option "dialects" lists b twice: an app speaks it at one path. Leave one out.',
    ])
  })
})

describe('an answer of several values', () => {
  afterEach(finish)

  test('is a list in frames', async () => {
    const one = await start(All, { codecs: [msgpack()] })
    const client = await one.connect('/x')
    expect(await client.ask('{"event":"two","args":[1,"b"],"id":1}')).toBe('{"ack":1,"data":[1,"b"]}')
    expect(await client.ask('{"event":"two","args":[],"id":2}')).toBe('{"ack":2,"data":[]}')
    expect(await client.ask('{"event":"two","data":3,"id":3}')).toBe('{"ack":3,"data":[3]}')
    const packed = await one.app.runtime.connect('/x', { subprotocols: ['partyline.msgpack.v1'] })
    if (packed instanceof Response) throw new Error('refused')
    const hello = packed.received.length
    packed.send(bytes("94 00 a3 'two' 92 01 a1 'b' 01"))
    expect(hex(packed.received[hello] as Uint8Array)).toBe(hex(bytes("93 01 01 92 01 a1 'b'")))
  })
})
