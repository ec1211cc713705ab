import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { channels, connect } from 'partyline/client'
import { seeded } from 'partyline/testing'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'
import { ModelLine } from './model.ts'

const HISTORIES = Number(process.env.PARTYLINE_HISTORIES ?? 600)

/** How many messages of a channel the server keeps. */
const KEPT = 3
/** How many of them somebody gets who comes for the first time. */
const SHOWN = 1

const CHANNELS = ['broadcast', 'group:a', 'group:b'] as const

type Frame = Record<string, unknown>

/** A server of channels that does its half of docs/protocol.md by the letter. */
class ModelChannels {
  readonly log = new Map<string, { at: number; data: number }[]>()
  /** All that was published, kept or not. */
  readonly all = new Map<string, { at: number; data: number }[]>()
  /** After which position the client was promised everything, by the first answer that it got. */
  readonly begun = new Map<string, number>()
  readonly #subscribed = new Set<string>()
  line: ModelLine | undefined
  #at = 1_000
  #count = 0
  /** How many requests it will refuse for now. */
  refusing = 0
  /** What the client's url asks for. */
  readonly #flags: readonly string[]

  constructor(flags: readonly string[]) {
    this.#flags = flags
  }

  accept(line: ModelLine): void {
    if (line.readyState !== 0) return
    line.readyState = 1
    line.onopen?.()
    this.line = line
    this.#subscribed.clear()
    this.#send({ hello: { sid: 's', heartbeat: 25_000 } })
    for (const flag of this.#flags) for (const frame of this.#begin(flag, undefined).frames) this.#send(frame)
  }

  publish(channel: string): void {
    this.#at += 1 + (this.#at % 3)
    const message = { at: this.#at, data: ++this.#count }
    for (const logs of [this.log, this.all]) logs.set(channel, [...(logs.get(channel) ?? []), message])
    this.log.set(channel, (this.log.get(channel) ?? []).slice(-KEPT))
    if (this.#subscribed.has(channel)) this.#send({ channel, ...message })
  }

  /** Sends the last message once more. */
  repeat(channel: string): void {
    const last = this.log.get(channel)?.at(-1)
    if (last && this.#subscribed.has(channel)) this.#send({ channel, ...last })
  }

  /** So many messages of the client's arrive. */
  take(count: number): void {
    for (const text of this.line?.up.splice(0, count) ?? []) this.#receive(JSON.parse(text))
  }

  #receive({ subscribe, after, id }: Frame): void {
    if (typeof subscribe !== 'string') return
    if (this.refusing > 0) {
      this.refusing--
      return this.#send({ ack: id, error: { code: 'RATE_LIMITED', message: 'later' } })
    }
    const names = CHANNELS.filter((one) => one === subscribe || one.startsWith(`${subscribe}:`))
    const begins = names.map((one) => this.#begin(one, after as number | undefined))
    const answer = { ack: id, data: { channels: names, at: begins.map(({ at }) => at) } }
    const frames = begins.flatMap(({ frames }) => frames)
    // Neither comes first by the letter, but from a position on.
    const isFirst = after === undefined && Number(id) % 2 === 0
    for (const frame of isFirst ? [answer, ...frames] : [...frames, answer]) this.#send(frame)
  }

  #begin(channel: string, after: number | undefined): { at: number; frames: Frame[] } {
    const log = this.log.get(channel) ?? []
    const last = this.all.get(channel)?.at(-1)?.at ?? 0
    if (this.#subscribed.has(channel) && after === undefined) return { at: last, frames: [] }
    this.#subscribed.add(channel)
    if (after === undefined) {
      const kept = log.slice(-SHOWN)
      return { at: kept[0] ? kept[0].at - 1 : last, frames: kept.map((one) => ({ channel, ...one })) }
    }
    const missed = (this.all.get(channel) ?? []).filter(({ at }) => at > after)
    const there = log.filter(({ at }) => at > after)
    const gone =
      missed.length > there.length ? [{ channel, at: (there[0]?.at ?? last + 1) - 1, lost: true }] : []
    return { at: after, frames: [...gone, ...there.map((one) => ({ channel, ...one }))] }
  }

  #send(frame: Frame): void {
    if (this.line?.readyState === 1 && !this.line.isBroken) this.line.down.push(JSON.stringify(frame))
  }
}

type Heard = { at: number; data?: number }

async function run(
  steps: readonly Step[],
  flags: readonly string[],
  seed: number,
): Promise<{ lost: number; cuts: number }> {
  const clock = new HandClock()
  const server = new ModelChannels(flags)
  const lines: ModelLine[] = []
  const errors: unknown[] = []
  const heard = new Map<string, Heard[]>()
  let cuts = 0
  const note = (channel: string, one: Heard) => heard.set(channel, [...(heard.get(channel) ?? []), one])
  const client = connect('ws://model.example', {
    clock,
    random: seeded(seed),
    onError: (error) => errors.push(error),
    WebSocket: class extends ModelLine {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        lines.push(this)
      }
    },
  })
  const all = channels(client)
  for (const name of ['group', 'broadcast'])
    all.subscribe(name, (data: number, { channel, at }) => note(channel, { at: at as number, data }), {
      lost: ({ channel, at }) => note(channel, { at: at as number }),
    })
  const deliver = (count: number) => {
    for (const text of server.line?.down.splice(0, count) ?? []) {
      if (server.line?.readyState !== 1) return
      const { ack, data } = JSON.parse(text) as { ack?: number; data?: { channels: string[]; at: number[] } }
      if (ack !== undefined)
        for (const [i, one] of data?.channels.entries() ?? [])
          if (!server.begun.has(one)) server.begun.set(one, data?.at[i] as number)
      server.line.onmessage?.({ data: text })
    }
  }
  const step = async (one: Step) => {
    const line = lines.at(-1) as ModelLine
    if (one.what === 'accept') server.accept(line)
    else if (one.what === 'publish') server.publish(CHANNELS[one.amount % 3] as string)
    else if (one.what === 'repeat') server.repeat(CHANNELS[one.amount % 3] as string)
    else if (one.what === 'up') server.take(one.amount)
    else if (one.what === 'down') deliver(one.amount)
    else if (one.what === 'refuse') server.refusing += one.amount % 3
    else if (one.what === 'time') clock.advance(one.amount * 200)
    else if (line.readyState === 1) {
      cuts++
      line.end()
    }
    await nextTurn()
  }
  try {
    for (const one of steps) await step(one)
    // The network heals, and everything arrives.
    server.refusing = 0
    for (let i = 0; i < 8; i++) {
      for (let waited = 0; waited < 100 && lines.at(-1)?.readyState === 3; waited++) clock.advance(500)
      await step({ what: 'accept', amount: 0 })
      for (const what of ['up', 'down', 'up', 'down'] as const) await step({ what, amount: 10_000 })
      // For what was to be tried later; and the server is still there.
      clock.advance(10_000)
    }
    expect(errors.filter((error) => !String(error).includes('TIMEOUT'))).toEqual([])
    for (const channel of CHANNELS) {
      const got = heard.get(channel) ?? []
      for (const [i, { at }] of got.entries()) if (i > 0) expect(at).toBeGreaterThan((got[i - 1] as Heard).at)
      const promised = (server.all.get(channel) ?? []).filter(
        ({ at }) => at > (server.begun.get(channel) as number),
      )
      for (const { at, data } of promised) {
        const isHeard = got.some((one) => one.at === at && one.data === data)
        // The first that is not before it says that it is gone, where it was not heard.
        const next = got.find((one) => one.at >= at)
        expect([at, isHeard || (next !== undefined && next.data === undefined)]).toEqual([at, true])
      }
    }
    return { lost: [...heard.values()].flat().filter(({ data }) => data === undefined).length, cuts }
  } finally {
    client.close()
  }
}

interface Step {
  what: 'accept' | 'publish' | 'repeat' | 'up' | 'down' | 'refuse' | 'time' | 'cut'
  amount: number
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<Step['what'][]>(
    ...(['accept', 'accept', 'publish', 'publish', 'publish', 'publish', 'repeat'] as const),
    ...(['up', 'up', 'down', 'down', 'refuse', 'time', 'time', 'cut'] as const),
  ),
  amount: fc.integer({ min: 1, max: 6 }),
})

test(
  'whatever lines break, each message of a channel comes once and in order, or is said to be lost',
  async () => {
    const seen = { lost: 0, cuts: 0 }
    const histories = fc.tuple(
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.subarray([...CHANNELS]),
      fc.nat(),
    )
    await fc.assert(
      fc.asyncProperty(histories, async ([steps, flags, seed]) => {
        const { lost, cuts } = await run(steps, flags, seed)
        seen.lost += lost
        seen.cuts += cuts
      }),
      { numRuns: HISTORIES },
    )
    expect(seen.lost).toBeGreaterThan(50)
    expect(seen.cuts).toBeGreaterThan(500)
  },
  HISTORIES * 60,
)
