import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  Gateway,
  GatewayContext,
  type Handshake,
  Module,
  On,
  OnOpen,
  PartylineError,
  type Socket,
  several,
} from 'partyline'
import { socketio } from 'partyline/socketio'
import { App } from '../../lib/core/app.ts'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'

/** How many sequences are tried; all of them by `PARTYLINE_SEQUENCES=50000 npm test -- test/socketio/app.property`. */
const SEQUENCES = Number(process.env.PARTYLINE_SEQUENCES ?? 500)
const LONG_ENOUGH = 1_800_000

const stray: unknown[] = []
const keep = (error: unknown) => void stray.push(error)
beforeAll(() => void process.on('unhandledRejection', keep).on('uncaughtException', keep))
afterAll(() => void process.off('unhandledRejection', keep).off('uncaughtException', keep))

@Gateway('/')
class Main {
  constructor(readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket): void {
    socket.join('all')
    socket.emit('welcome', new Uint8Array([1]))
  }

  @On() echo(_: Socket, ...args: unknown[]): unknown {
    return several(...args)
  }

  @On() async slow(_: Socket, what: unknown): Promise<unknown> {
    await nextTurn()
    return what
  }

  @On() fail(): never {
    throw new PartylineError('NO', 'not this', { deep: [1] })
  }

  @On() tell(socket: Socket, ...args: unknown[]): void {
    socket.to('all').emit('told', ...args)
    this.context.emit('told all', ...args)
  }

  @On() async ask(socket: Socket): Promise<unknown> {
    return socket.call('asked', Uint8Array.of(1), { timeout: 500 })
  }

  @On() leave(socket: Socket, code: unknown): void {
    socket.close(CODES.includes(code as number) ? (code as number) : 4000)
  }

  @On() room(socket: Socket, name: unknown): void {
    socket.join(String(name))
    socket.leave('all')
  }
}

const CODES = [1000, 1001, 1008, 1011, 1012, 1013, 4401, 4408, 4429]

/** Asks, and takes its time. */
async function known({ auth }: Handshake): Promise<{ user: string } | null> {
  const { token } = (auth ?? {}) as { token?: string }
  if (token === 'slow') await nextTurn()
  return token === undefined ? null : { user: token }
}

@Gateway('/members', { authenticate: known, recovery: { window: 30_000, limit: 20 } })
class Members extends Main {}

@Gateway('/rooms/:name', { recovery: {}, concurrency: 3 })
class Rooms extends Main {}

@Module({ gateways: [Main, Members, Rooms] })
class All {}

type Step =
  | { kind: 'open'; which: number; by: 'websocket' | 'polling' }
  | { kind: 'upgrade'; which: number; how: 'whole' | 'half' | 'twice' | 'wild' }
  | { kind: 'send'; which: number; packets: (string | Uint8Array)[] }
  | { kind: 'poll' | 'close' | 'vanish'; which: number }
  | { kind: 'read'; which: number; isReading: boolean }
  | { kind: 'request'; query: string; method: string; body: string }
  | { kind: 'emit'; bytes: number }
  | { kind: 'wait'; milliseconds: number }
  | { kind: 'turn' }

const namespace = fc.constantFrom(
  '',
  '',
  '/members,',
  '/rooms/a,',
  '/rooms/b?q=1,',
  '/nowhere,',
  '/members',
  '//,',
)
const bytes = fc.uint8Array({ maxLength: 4 })
const name = fc.constantFrom(
  'echo',
  'slow',
  'fail',
  'tell',
  'ask',
  'leave',
  'room',
  'message',
  'connect',
  '',
  'x',
)
const value = fc.oneof(
  { maxDepth: 2 },
  fc.jsonValue({ maxDepth: 2 }),
  fc.integer({ min: -1, max: 2 }).map((num) => ({ _placeholder: true, num })),
  fc.constantFrom(...CODES),
)
const list = fc.tuple(name, fc.array(value, { maxLength: 3 })).map(([first, args]) => [first, ...args])
const id = fc.constantFrom('', '', '0', '1', '7', '99999999999999999')
const auth = fc.constantFrom(
  '',
  '{}',
  '{"token":"ada"}',
  '{"token":"slow"}',
  '{"pid":"x","offset":"y"}',
  '[]',
  '{',
)
const text = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(namespace, auth).map((all) => `40${all.join('')}`) },
  {
    weight: 34,
    arbitrary: fc
      .tuple(
        namespace,
        id,
        list.map((one) => JSON.stringify(one)),
      )
      .map((all) => `42${all.join('')}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('451-', '452-', '461-', '450-', '4599-'),
        namespace,
        id,
        list.map((one) => JSON.stringify(one)),
      )
      .map((all) => all.join('')),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        namespace,
        id,
        value.map((one) => JSON.stringify([one])),
      )
      .map((all) => `43${all.join('')}`),
  },
  { weight: 1, arbitrary: namespace.map((one) => `41${one}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('1', '2', '3', '5', '6', '2probe', 'b', 'bAQI=', 'bä', '', '4', '44', '8'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(`42["echo","${'x'.repeat(1_500)}"]`, `42["echo","${'x'.repeat(3_000)}"]`),
  },
)
const which = fc.nat({ max: 2 })
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      which,
      by: fc.constantFrom('websocket', 'polling'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('upgrade' as const),
      which,
      how: fc.constantFrom('whole', 'whole', 'half', 'twice', 'wild'),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      which,
      packets: fc.array(fc.oneof({ weight: 6, arbitrary: text }, { weight: 1, arbitrary: bytes }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('poll', 'poll', 'poll', 'close', 'vanish'), which }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('read' as const), which, isReading: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      query: fc.constantFrom(
        '',
        'EIO=4',
        'EIO=3&transport=polling',
        'EIO=4&transport=polling&sid=x',
        'EIO=4&transport=websocket',
        'transport=%ff',
      ),
      method: fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'DELETE'),
      body: fc.string({ maxLength: 10 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('emit' as const), bytes: fc.constantFrom(1, 10, 900) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(1, 150, 600, 1_100, 6_000),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'turn' }) },
)

const URL_OF = 'http://localhost/socket.io/'

/** Somebody who comes by either transport, and does as told. */
class Guest {
  readonly #run: Run
  line: MemoryClient | undefined
  /** While it polls. */
  sid: string | undefined
  readonly received = new Set<string | Uint8Array>()
  /** Requests that are not answered. */
  waiting = 0

  constructor(run: Run) {
    this.#run = run
  }

  get isThere(): boolean {
    return this.sid !== undefined || (this.line !== undefined && this.line.closed === undefined)
  }

  async open(by: 'websocket' | 'polling'): Promise<void> {
    if (this.isThere) return
    const { runtime } = this.#run.app
    if (by === 'websocket') {
      const line = await runtime.connect('/socket.io/?EIO=4&transport=websocket')
      if (!(line instanceof Response)) this.#hear(line)
      return
    }
    const response = await runtime.fetch(new Request(`${URL_OF}?EIO=4&transport=polling`))
    if (response.status === 200)
      this.sid = (JSON.parse((await response.text()).slice(1)) as { sid: string }).sid
  }

  async upgrade(how: 'whole' | 'half' | 'twice' | 'wild'): Promise<void> {
    if (this.sid === undefined) return
    const path = `/socket.io/?EIO=4&transport=websocket&sid=${this.sid}`
    const line = await this.#run.app.runtime.connect(path)
    if (line instanceof Response) return
    if (how === 'twice') await this.#run.app.runtime.connect(path)
    line.send(how === 'wild' ? '42["echo"]' : '2probe')
    if (how === 'wild' || how === 'half') return
    line.send('5')
    this.#hear(line)
    this.sid = undefined
  }

  #hear(line: MemoryClient): void {
    this.line = line
    for (const packet of line.received) this.received.add(packet)
    line.listener = {
      message: (packet) => {
        this.received.add(packet)
        if (packet === '2') line.send('3')
      },
      closed() {},
    }
  }

  send(packets: readonly (string | Uint8Array)[]): void {
    if (this.line !== undefined) for (const packet of packets) this.line.send(packet)
    else if (this.sid !== undefined)
      this.#ask(
        packets
          .map((one) => (typeof one === 'string' ? one : `b${btoa(String.fromCharCode(...one))}`))
          .join('\x1e'),
      )
  }

  poll(): void {
    if (this.sid !== undefined) this.#ask()
  }

  #ask(body?: string): void {
    this.waiting++
    const { sid } = this
    const request = new Request(
      `${URL_OF}?EIO=4&transport=polling&sid=${sid}`,
      body === undefined ? {} : { method: 'POST', body },
    )
    void this.#run.app.runtime.fetch(request).then(async (response) => {
      this.waiting--
      const text = await response.text()
      if (response.status !== 200) this.sid = undefined
      else if (body === undefined) {
        const packets = text.split('\x1e')
        for (const packet of packets) this.received.add(packet)
        if (packets.includes('2')) this.send(['3'])
        if (packets.includes('1')) this.sid = undefined
      }
    })
  }

  /** Whether it is gone, or its session answers. */
  async isServed(): Promise<boolean> {
    const enter = '40/rooms/end,'
    const ask = '42/rooms/end,5["echo","end"]'
    const answer = '43/rooms/end,5["end"]'
    if (this.line !== undefined) {
      this.line.reading = true
      this.line.send(enter)
      for (let i = 0; i < 6; i++) await this.#run.pass(1_000)
      this.line.send(ask)
    } else this.send([enter, ask])
    for (let i = 0; i < 100 && this.isThere; i++) {
      if (this.received.has(answer)) return true
      if (this.waiting === 0) this.poll()
      await this.#run.pass(100)
    }
    return !this.isThere
  }

  leave(): void {
    this.line?.vanish()
    this.sid = undefined
  }
}

/** One sequence, and what has to be true of it. */
class Run {
  readonly clock = new HandClock()
  readonly log = new CollectingLogger()
  readonly app: App<MemoryRuntime>
  #idle = 0
  readonly guests: readonly Guest[] = [new Guest(this), new Guest(this), new Guest(this)]

  constructor(topics: boolean) {
    this.app = new App(
      All,
      {
        dialects: [
          socketio({
            ...{ maxHttpBufferSize: 2_000, pingInterval: 1_000, pingTimeout: 500, upgradeTimeout: 400 },
            ...{ connectTimeout: 2_000, attachmentTimeout: 500, maxNamespaces: 6, maxAttachments: 2 },
            connectionStateRecovery: true,
          }),
        ],
        limits: { rate: 5, burst: 20, waiting: 4, pending: 4, buffer: 3_000, rooms: 3, connections: 20 },
        clock: this.clock,
        logger: this.log,
      },
      (host) => new MemoryRuntime(host, { topics }),
    )
  }

  async start(): Promise<void> {
    await this.app.ready()
    this.#idle = this.clock.pending
    await this.guests[0]?.open('websocket')
    await this.guests[1]?.open('polling')
    for (const guest of this.guests.slice(0, 2)) guest.send(['40', '40/members,{"token":"ada"}'])
  }

  /** Lets time pass, and happen what is due. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds)
    await nextTurn()
  }

  async take(step: Step): Promise<void> {
    const guest = 'which' in step ? (this.guests[step.which] as Guest) : undefined
    switch (step.kind) {
      case 'open':
        return guest?.open(step.by)
      case 'upgrade':
        return guest?.upgrade(step.how)
      case 'send':
        return guest?.send(step.packets)
      case 'poll':
        return guest?.poll()
      case 'close':
        return guest?.line?.close()
      case 'vanish':
        return guest?.leave()
      case 'read':
        if (guest?.line !== undefined) guest.line.reading = step.isReading
        return
      case 'request': {
        const init = { method: step.method, body: step.method === 'GET' ? undefined : step.body }
        const { status } = await this.app.runtime.fetch(new Request(`${URL_OF}?${step.query}`, init))
        expect(status).toBe(step.query === 'EIO=4&transport=polling' ? 200 : 400)
        return
      }
      case 'emit':
        for (const gateway of [Main, Members, Rooms])
          this.app.get(gateway).context.to('all').emit('x', 'x'.repeat(step.bytes), Uint8Array.of(1))
        return
      case 'wait':
        return this.pass(step.milliseconds)
      case 'turn':
        return nextTurn()
    }
  }

  /** Everybody goes, and nothing of them is left. */
  async end(): Promise<void> {
    for (const guest of this.guests) guest.leave()
    for (let i = 0; i < 20; i++) await this.pass(5_000)
    await this.pass(60_000)
    const { sockets, suspended, rooms, internalErrors } = this.app.stats()
    expect({ sockets, suspended, rooms, internalErrors }).toEqual({
      sockets: 0,
      suspended: 0,
      rooms: 0,
      internalErrors: 0,
    })
    const health = await (await this.app.runtime.fetch(new Request('http://localhost/healthz'))).json()
    expect(health).toEqual({ status: 'ok', connections: 0 })
    // What an app has that nobody ever came to.
    expect(this.clock.pending).toBe(this.#idle)
    expect(this.guests.map(({ waiting }) => waiting)).toEqual([0, 0, 0])
    await this.app.stop()
    expect(this.clock.pending).toBe(0)
    expect(this.log.take().filter(({ message }) => !message.startsWith('a client does not keep up'))).toEqual(
      [],
    )
    expect(stray).toEqual([])
  }
}

test(
  'whatever comes over both transports, sessions are closed or answered, and nothing is left of them',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 24 }),
        fc.boolean(),
        async (steps, topics) => {
          const run = new Run(topics)
          await run.start()
          for (const one of steps) await run.take(one)
          await nextTurn()
          for (const guest of run.guests) expect(await guest.isServed()).toBe(true)
          await run.end()
        },
      ),
      { numRuns: SEQUENCES, endOnFailure: false },
    )
  },
  LONG_ENOUGH,
)
