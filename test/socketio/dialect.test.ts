import { describe, expect, test } from 'bun:test'
import type { Dialect, DialectHost, DialectPlace, Refused } from '../../lib/core/dialect.ts'
import { limitsOf } from '../../lib/core/limits.ts'
import { type SocketioOptions, socketio } from '../../lib/socketio/mod.ts'
import { HandClock } from '../support/clock.ts'
import { FakeSession } from './fakes.ts'

const URL_OF = 'http://localhost/socket.io/?EIO=4&transport=polling'

/** An app with a gateway at `/`, whose only client polls. */
class Polled {
  readonly clock = new HandClock()
  readonly reports: unknown[] = []
  readonly dialect: Dialect
  refused: Refused | undefined
  session: FakeSession | undefined

  constructor(options?: SocketioOptions, place?: Partial<DialectPlace>) {
    const factory = socketio(options)
    const codec = factory.codec?.({
      path: '/',
      isFixed: true,
      depth: 64,
      recovers: false,
      isShared: false,
      ...place,
    })
    const host: DialectHost = {
      clock: this.clock,
      limits: limitsOf(),
      logger: { info() {}, warn() {}, error() {} } as unknown as DialectHost['logger'],
      count: () => {},
      report: (error) => void this.reports.push(error),
      crowded: () => this.refused,
      expect: () => () => {},
      knock: (knock) => {
        const hello = { sid: 's1', heartbeat: 1, recovery: { token: 't1', window: 1, pos: 0 } }
        this.session = new FakeSession(knock, codec as FakeSession['codec'], hello)
        return { path: '/', handler: this.session }
      },
    }
    this.dialect = factory.open(host)
  }

  async ask(sid?: string, body?: string): Promise<Response> {
    const url = new URL(sid === undefined ? URL_OF : `${URL_OF}&sid=${sid}`)
    const request = new Request(url, body === undefined ? {} : { method: 'POST', body })
    return (await this.dialect.handle(request, url, { ip: '10.0.0.1' }, false)) as Response
  }

  async open(): Promise<{ sid: string; maxPayload: number }> {
    return JSON.parse((await (await this.ask()).text()).slice(1))
  }
}

describe('socketio()', () => {
  test('serves its path, with or without a slash at the end', () => {
    const { dialect } = new Polled()
    expect(['/socket.io/', '/socket.io', '/', '/socket.io/x'].map((path) => dialect.serves(path))).toEqual([
      ...[true, true, false, false],
    ])
    expect(new Polled({ path: '/rt' }).dialect.serves('/rt/')).toBe(true)
  })

  test('takes a client from the handshake to its namespace and back', async () => {
    const app = new Polled()
    const { sid, maxPayload } = await app.open()
    expect(maxPayload).toBe(1_000_000)
    expect(await (await app.ask(sid, '40{"token":"a"}')).text()).toBe('ok')
    expect(await (await app.ask(sid)).text()).toBe('40{"sid":"s1"}')
    expect(app.session?.knock).toMatchObject({ path: '/', ip: '10.0.0.1', auth: { token: 'a' } })
    await app.ask(sid, '42["a",1]\x1e451-["b",{"_placeholder":true,"num":0}]\x1ebAQI=')
    expect(app.session?.frames).toEqual([
      { event: 'a', data: 1 },
      { event: 'b', data: Uint8Array.from([1, 2]) },
    ])
    app.session?.send({ event: 'c', data: Uint8Array.from([1, 2]) })
    expect(await (await app.ask(sid)).text()).toBe('451-["c",{"_placeholder":true,"num":0}]\x1ebAQI=')
  })

  test('refuses the handshake where the app takes nobody in', async () => {
    const app = new Polled()
    app.refused = { status: 503, code: 'UNAVAILABLE', message: 'the server is full' }
    const response = await app.ask()
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ message: 'the server is full' })
  })

  test('goes on with sessions where that is said, and the gateway has recovery', async () => {
    for (const [connectionStateRecovery, recovers] of [
      [true, true],
      [true, false],
      [false, true],
    ]) {
      const app = new Polled({ connectionStateRecovery }, { recovers })
      const { sid } = await app.open()
      await app.ask(sid, '40{"pid":"t"}')
      const answer = await (await app.ask(sid)).text()
      expect(answer).toBe(
        connectionStateRecovery && recovers ? '40{"sid":"s1","pid":"t1"}' : '40{"sid":"s1"}',
      )
      expect(app.session?.knock.resume).toEqual(
        connectionStateRecovery ? { token: 't', pos: undefined } : undefined,
      )
    }
  })

  test('ends what is left when it stops', async () => {
    const app = new Polled()
    const { sid } = await app.open()
    await app.ask(sid, '40')
    app.dialect.drain()
    await app.dialect.stop()
    expect(app.session?.ends).toEqual([[1001, 'the server is going away']])
    expect(app.clock.pending).toBe(0)
    expect((await app.ask(sid)).status).toBe(400)
    expect((await app.ask()).status).toBe(503)
    expect(app.reports).toEqual([])
  })

  test('closes who joins no namespace in time', async () => {
    const app = new Polled({ connectTimeout: 1_000 })
    const { sid } = await app.open()
    app.clock.advance(1_000)
    expect(await (await app.ask(sid)).text()).toBe('1')
  })

  test.each<[SocketioOptions, string]>([
    [{ connectTimeout: 0 }, "socketio()'s connectTimeout is 0: it is a whole number from 1 to 2147483647."],
    [
      { maxAttachments: 1.5 },
      "socketio()'s maxAttachments is 1.5: it is a whole number from 1 to 2147483647.",
    ],
    [
      { attachmentTimeout: -1 },
      "socketio()'s attachmentTimeout is -1: it is a whole number from 1 to 2147483647.",
    ],
    [
      { maxNamespaces: Number.NaN },
      "socketio()'s maxNamespaces is NaN: it is a whole number from 1 to 2147483647.",
    ],
    [
      { maxHttpBufferSize: 0 },
      "socketio()'s maxHttpBufferSize is 0: it is a whole number from 1 to 2147483647.",
    ],
  ])('says what is wrong with %p', (options, problem) => {
    expect(socketio(options).problems).toEqual([problem])
    expect(socketio().problems).toEqual([])
  })
})
