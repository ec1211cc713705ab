import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Verdict } from '../../lib/core/dialect.ts'
import type { Payload } from '../../lib/protocol/codec.ts'
import type { Frame } from '../../lib/protocol/frame.ts'
import { World } from './fakes.ts'

/** How many sequences are tried; a longer search is `PARTYLINE_SEQUENCES=50000 npm test -- test/socketio`. */
const SEQUENCES = Number(process.env.PARTYLINE_SEQUENCES ?? 2_000)

const stray: unknown[] = []
const keep = (error: unknown) => void stray.push(error)
beforeAll(() => void process.on('unhandledRejection', keep).on('uncaughtException', keep))
afterAll(() => void process.off('unhandledRejection', keep).off('uncaughtException', keep))

/** What happens: the client sends, the app decides or sends, time passes, the line breaks. */
type Step =
  | { kind: 'receive'; message: Payload }
  | { kind: 'decide'; which: number; how: 'welcome' | 'refuse' | 'fail' }
  | { kind: 'send'; which: number; frame: Frame }
  | { kind: 'close'; which: number; code: number }
  | { kind: 'hold'; which: number; isPaused: boolean }
  | { kind: 'wait'; milliseconds: number }
  | { kind: 'drain' }
  | { kind: 'cut' }

const namespace = fc.constantFrom(
  '',
  '/,',
  '/admin,',
  '/rooms/tea,',
  '/rooms/tea?a=1,',
  '/nowhere,',
  '/admin',
)
const bytes = fc.uint8Array({ maxLength: 4 })
const placeholder = fc.integer({ min: -1, max: 3 }).map((num) => ({ _placeholder: true, num }))
const value = fc.oneof({ maxDepth: 2 }, fc.jsonValue({ maxDepth: 2 }), placeholder, fc.constant({ a: [{}] }))
const list = fc
  .tuple(
    fc.oneof(fc.constantFrom('foo', 'connect', '', 'x'), fc.jsonValue({ maxDepth: 1 })),
    fc.array(value, { maxLength: 3 }),
  )
  .map(([name, args]) => [name, ...args])
const id = fc.constantFrom('', '', '0', '7', '99999999999999999', '-1')
const payload = fc.oneof(list, fc.constantFrom({}, { token: 'a' }, { pid: 't', offset: '00000000.1' }))
const json = payload.map((one) => JSON.stringify(one))

const text = fc.oneof(
  { weight: 3, arbitrary: namespace.map((one) => `0${one}`) },
  fc.tuple(fc.constantFrom('0', '1', '2', '3', '4', '7'), namespace, id, json).map((all) => all.join('')),
  fc
    .tuple(fc.constantFrom('51-', '52-', '61-', '50-', '599-'), namespace, id, json)
    .map((all) => all.join('')),
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        namespace,
        fc.constantFrom('', '7'),
        list.map((one) => JSON.stringify(['foo', ...one])),
      )
      .map((all) => `2${all.join('')}`),
  },
  namespace.map((one) => `1${one}`),
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.constant('2["__proto__",{"__proto__":{}}]'),
)
const data = fc.oneof(fc.jsonValue({ maxDepth: 1 }), bytes, fc.constant({ deep: [Uint8Array.of(1)] }))
const frame = fc.oneof<fc.Arbitrary<Frame>[]>(
  fc.record({ event: fc.constantFrom('said', 'x'), data }),
  fc.record({ event: fc.constant('ask'), data, id: fc.nat() }),
  fc.record({ ack: fc.nat(), data }),
  fc.record({ error: fc.constant({ code: 'X', message: 'no' }) }),
)
const which = fc.nat({ max: 5 })
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('receive' as const), message: text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('receive' as const), message: bytes }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      which,
      how: fc.constantFrom('welcome', 'welcome', 'refuse', 'fail'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), which, frame }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      which,
      code: fc.constantFrom(1000, 1001, 1008, 1011, 4403),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), which, isPaused: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.constantFrom(1, 400, 600) }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'drain' }, { kind: 'cut' }) },
)

/** One sequence of steps, and what has to be true of it. */
class Run {
  readonly #waiting: { answer: (how: 'welcome' | 'refuse' | 'fail') => void }[] = []
  readonly world: World

  constructor(isSlow: boolean) {
    const places = [
      { path: '/' },
      { path: '/admin' },
      { path: '/rooms/:name', isFixed: false, recovers: true },
    ]
    this.world = new World({
      places,
      recovery: true,
      rate: 1,
      burst: 12,
      decide: (_, welcome) => {
        if (!isSlow) return welcome()
        const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
        const answer = (how: 'welcome' | 'refuse' | 'fail') => {
          if (how === 'fail') reject(new Error('broken'))
          else resolve(how === 'welcome' ? welcome() : { status: 403, code: 'FORBIDDEN', message: 'no' })
        }
        this.#waiting.push({ answer })
        return promise
      },
    })
  }

  async take(one: Step): Promise<void> {
    const { world } = this
    switch (one.kind) {
      case 'receive':
        return world.receive(one.message)
      case 'decide':
        return this.#decide(one.which, one.how)
      case 'send':
        return world.sessions[one.which]?.send(one.frame)
      case 'close':
        return world.sessions[one.which]?.connection?.close(one.code, 'closed')
      case 'hold':
        if (one.isPaused) world.sessions[one.which]?.connection?.pause?.()
        else world.sessions[one.which]?.connection?.resume?.()
        return
      case 'wait':
        return world.clock.advance(one.milliseconds)
      case 'drain':
        world.isDraining = true
        return
      case 'cut':
        return world.engine.finish({ cause: 'transport close', code: 1006, reason: '' })
    }
  }

  async #decide(which: number, how: 'welcome' | 'refuse' | 'fail'): Promise<void> {
    this.#waiting.splice(which % Math.max(1, this.#waiting.length), 1)[0]?.answer(how)
    await turn()
  }

  /** Nothing is left when all has been decided, and the line has gone. */
  async finish(): Promise<void> {
    const { world } = this
    while (this.#waiting.length > 0) await this.#decide(0, 'welcome')
    const isOpen = world.engine.isOpen
    world.engine.finish({ cause: 'transport close', code: 1006, reason: '' })
    for (const session of world.sessions)
      expect(session.ends).toHaveLength(session.connection === undefined ? 0 : 1)
    expect(world.clock.pending).toBe(0)
    checkSent(world.engine.sent)
    if (isOpen) this.#checkAnswers()
    for (const error of world.reports) expect(error).toEqual(new Error('broken'))
  }

  /** No more than one answer to each CONNECT, and one to each that was decided and not given up. */
  #checkAnswers(): void {
    const { knocks, engine, sessions } = this.world
    const answers = engine.sent.filter((one) => typeof one === 'string' && /^4[04]/.test(one))
    const opened = sessions.filter(({ connection }) => connection !== undefined)
    expect(answers.filter((one) => (one as string).startsWith('40'))).toHaveLength(opened.length)
    expect(answers.length).toBeGreaterThanOrEqual(opened.length)
    expect(knocks.length).toBeGreaterThanOrEqual(opened.length)
  }
}

/** What was sent is what a client can read: packets, each with its attachments, and no event before its namespace's CONNECT. */
function checkSent(sent: readonly Payload[]): void {
  const joined = new Set<string>()
  for (let i = 0; i < sent.length; i++) {
    const packet = /^4([0-6])(?:(\d+)-)?(\/[^,]*,)?\d*([[{].*)?$/s.exec(sent[i] as string)
    expect(packet).not.toBeNull()
    const [, type, count = '0', name = '/', body] = packet ?? []
    if (body !== undefined) JSON.parse(body)
    if (type === '0') joined.add(name)
    else if (type === '1') joined.delete(name)
    else if (type !== '4') expect(joined.has(name)).toBe(true)
    for (let left = Number(count); left > 0; left--) expect(sent[++i]).toBeInstanceOf(Uint8Array)
  }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve()
}

test(`${SEQUENCES} sequences: whatever comes is answered or closes the connection, and nothing is left behind`, async () => {
  let closed = 0
  let answered = 0
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.boolean(),
      fc.array(step, { maxLength: 30 }),
      async (isSlow, isIn, steps) => {
        const run = new Run(isSlow)
        if (isIn) await run.take({ kind: 'receive', message: '0' })
        if (isIn && isSlow) await run.take({ kind: 'decide', which: 0, how: 'welcome' })
        for (const one of steps) await run.take(one)
        if (run.world.engine.isOpen) answered++
        else closed++
        await run.finish()
      },
    ),
    { numRuns: SEQUENCES },
  )
  // Both are reached often: else the sequences test nothing.
  expect(Math.min(closed, answered)).toBeGreaterThan(SEQUENCES / 20)
  expect(stray).toEqual([])
}, 600_000)
