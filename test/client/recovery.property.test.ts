import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Client, connect } from 'partyline/client'
import { seeded } from 'partyline/testing'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'
import { ModelLine, ModelServer } from './model.ts'

/** So many histories are tried; a longer search is `PARTYLINE_HISTORIES=100000 npm test -- test/client/recovery.property`. */
const HISTORIES = Number(process.env.PARTYLINE_HISTORIES ?? 2_000)

type Step =
  | { what: 'emit' | 'volatile' | 'call' | 'server emits' | 'server asks'; times: number }
  | { what: 'deliver up' | 'deliver down' | 'time'; amount: number }
  | { what: (typeof EVENTS)[number] | 'accept' | 'restart' }

/** What happens once, to whatever is there. */
const EVENTS = [
  'refuse',
  'cut',
  'break',
  'server notices',
  'answer',
  'acknowledge',
  'repeat',
  'abort',
  'client answers',
] as const

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('emit', 'volatile', 'call', 'server emits', 'server asks'),
      times: fc.constantFrom(1, 1, 2, 3, 40),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constantFrom('deliver up', 'deliver down'),
      amount: fc.constantFrom(1, 2, 5, 1_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('time' as const),
      amount: fc.constantFrom(10, 200, 1_000, 5_000, 30_000, 60_000),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ what: 'accept' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom(...EVENTS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ what: 'restart' as const }) },
)

/** A call, and how it ended. */
interface Asked {
  n: number
  /** Whether it was given up by its caller. */
  isAborted: boolean
  abort(): void
  answer?: unknown
  error?: unknown
}

/** How a line began, and in which session. */
interface Opening {
  sid: string | undefined
  recovered: boolean
  lost: number
}

/** A client, a server and the network between them, while a history happens. */
class History {
  readonly clock = new HandClock()
  readonly server: ModelServer
  readonly client: Client
  readonly lines: ModelLine[] = []
  readonly calls: Asked[] = []
  readonly emitted: number[] = []
  /** What the client's application heard, by session. */
  readonly heard = new Map<string | undefined, number[]>()
  readonly openings: Opening[] = []
  readonly asked: string[] = []
  readonly errors: unknown[] = []
  /** Handlers of the client's that take their time. */
  #answering: (() => void)[] = []
  #sent = 0
  #served = 0

  constructor(
    seed: number,
    readonly hasRecovery: boolean,
  ) {
    const { lines } = this
    this.server = new ModelServer(hasRecovery)
    this.client = connect('ws://model.example', {
      clock: this.clock,
      random: seeded(seed),
      timeout: Number.POSITIVE_INFINITY,
      queue: { frames: 10_000 },
      onError: (error) => this.errors.push(error),
      WebSocket: class extends ModelLine {
        constructor(url: string, protocols: string[]) {
          super(url, protocols)
          lines.push(this)
        }
      },
    })
    this.client
      .when('open', (beginning) => this.openings.push({ sid: this.client.sid, ...beginning }))
      .on('n', (n: number) => {
        const { sid } = this.client
        this.heard.set(sid, [...(this.heard.get(sid) ?? []), n])
      })
      .handle('ask', async (key: string) => {
        this.asked.push(key)
        if (this.asked.length % 2 === 0) await new Promise<void>((resolve) => this.#answering.push(resolve))
        return key
      })
  }

  get line(): ModelLine {
    return this.lines.at(-1) as ModelLine
  }

  async step(step: Step): Promise<void> {
    if ('times' in step) for (let i = 0; i < step.times; i++) this.#send(step.what)
    else if (step.what === 'deliver up') for (const line of this.lines) this.server.deliver(line, step.amount)
    else if (step.what === 'deliver down') for (const line of this.lines) line.deliver(step.amount)
    else if (step.what === 'time') this.clock.advance(step.amount)
    else if (step.what === 'accept') this.server.accept(this.line)
    else if (step.what === 'refuse') {
      if (this.line.readyState === 0) this.line.end()
    } else if (step.what === 'cut') {
      this.server.lose(this.line)
      if (this.line.readyState === 1) this.line.end()
    } else if (step.what === 'break') this.line.break()
    else if (step.what === 'server notices') {
      for (const line of this.lines) if (line.isBroken || line.readyState === 3) this.server.lose(line)
    } else if (step.what === 'answer') this.server.answer()
    else if (step.what === 'acknowledge') this.server.acknowledge()
    else if (step.what === 'repeat') this.server.repeat()
    else if (step.what === 'client answers') for (const answer of this.#answering.splice(0)) answer()
    else if (step.what === 'abort') this.calls.find((one) => !('answer' in one || 'error' in one))?.abort()
    else this.server.forget()
    await nextTurn()
  }

  #send(what: 'emit' | 'volatile' | 'call' | 'server emits' | 'server asks'): void {
    if (what === 'server emits') return this.server.emit(++this.#served)
    if (what === 'server asks') return this.server.request()
    const n = ++this.#sent
    if (what === 'volatile') return void this.client.volatile.emit('n', n)
    if (what === 'emit') {
      this.emitted.push(n)
      return void this.client.emit('n', n)
    }
    const controller = new AbortController()
    const asked: Asked = {
      n,
      isAborted: false,
      abort() {
        asked.isAborted = true
        controller.abort()
      },
    }
    this.calls.push(asked)
    this.client.call('n', n, { signal: controller.signal }).then(
      (answer) => {
        asked.answer = answer
      },
      (error) => {
        asked.error = error
      },
    )
  }

  /** The network heals, and everything that is under way arrives. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 4; quiet++) {
      const before = this.server.handled.length + this.openings.length + this.asked.length
      const isLost = this.line.isBroken && this.line.readyState === 1
      if (isLost) this.clock.advance(60_000)
      if (this.client.state !== 'open') this.clock.advance(30_000)
      await this.step({ what: 'accept' })
      for (let i = 0; i < 3; i++) {
        await this.step({ what: 'client answers' })
        await this.step({ what: 'deliver up', amount: 10_000 })
        await this.step({ what: 'answer' })
        await this.step({ what: 'deliver down', amount: 10_000 })
      }
      const after = this.server.handled.length + this.openings.length + this.asked.length
      if (isLost || before !== after || this.client.state !== 'open') quiet = -1
    }
  }

  /** Fails where either side's application saw anything but what was sent, once and in order, and was not told. */
  check(): void {
    expect(this.errors).toEqual([])
    const { handled, sessions, current } = this.server
    for (const [i, n] of handled.entries()) if (i > 0) expect(n).toBeGreaterThan(handled[i - 1] as number)
    for (const { sid, sent } of sessions) {
      const heard = this.heard.get(sid) ?? []
      expect(heard).toEqual(sent.slice(0, heard.length))
    }
    expect(this.heard.get(current?.sid) ?? []).toEqual(current?.sent ?? [])
    expect(new Set(this.asked).size).toBe(this.asked.length)
    for (const [, key] of current?.asked ?? []) expect([key, this.server.answers.get(key)]).toEqual([key, 1])
    for (const [key, times] of this.server.answers) expect([key, times <= 1]).toEqual([key, true])

    const arrived = new Set(handled)
    const missing = this.emitted.filter((n) => !arrived.has(n)).length
    const lost = this.openings.reduce((sum, one) => sum + one.lost, 0)
    // Where nothing has positions, nobody can count.
    if (this.hasRecovery) expect(missing).toBeLessThanOrEqual(lost)
    for (const { n, isAborted, answer, error } of this.calls) {
      if (error === undefined) expect([n, answer, arrived.has(n)]).toEqual([n, n, true])
      else if (!isAborted) expect(error).toMatchObject({ code: 'DISCONNECTED' })
    }
    for (const [i, { sid, recovered }] of this.openings.entries())
      expect(recovered).toBe(this.hasRecovery && i > 0 && sid === this.openings[i - 1]?.sid)

    if (this.openings.some(({ recovered }, i) => i > 0 && !recovered)) return
    expect(missing).toBe(0)
    expect(lost).toBe(0)
    expect(this.calls.filter(({ error, isAborted }) => error !== undefined && !isAborted)).toEqual([])
  }
}

/** How often something happened that a search would be empty without. */
interface Seen {
  resumed: number
  lost: number
  disconnected: number
  asked: number
}

/** Tries histories; returns what happened in them. */
async function search(hasRecovery: boolean): Promise<Seen> {
  const seen: Seen = { resumed: 0, lost: 0, disconnected: 0, asked: 0 }
  const histories = fc.tuple(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), fc.nat())
  const property = fc.asyncProperty(histories, async ([steps, seed]) => {
    const history = new History(seed, hasRecovery)
    try {
      for (const one of steps) await history.step(one)
      await history.settle()
      history.check()
    } finally {
      history.client.close()
    }
    seen.resumed += history.openings.filter(({ recovered }) => recovered).length
    seen.lost += history.openings.reduce((sum, { lost }) => sum + lost, 0)
    seen.disconnected += history.calls.filter(
      ({ error, isAborted }) => error !== undefined && !isAborted,
    ).length
    seen.asked += history.asked.length
  })
  await fc.assert(property, { numRuns: HISTORIES })
  return seen
}

describe('whatever a network does', () => {
  test(
    'with recovery each side sees what the other sent, once and in order, or was told that it could not',
    async () => {
      const seen = await search(true)
      for (const [what, times] of Object.entries(seen)) expect([what, times > 0]).toEqual([what, true])
    },
    HISTORIES * 20,
  )

  test(
    'without recovery nothing comes twice or out of order, and every call settles',
    async () => {
      const { resumed, disconnected, asked } = await search(false)
      expect([resumed, disconnected > 0, asked > 0]).toEqual([0, true, true])
    },
    HISTORIES * 20,
  )
})
