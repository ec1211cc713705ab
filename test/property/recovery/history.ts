import { type AppStats, json } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { ManualClock, type TestApp, testApp } from 'partyline/testing'
import { CollectingLogger } from '../../support/logger.ts'
import { Chance } from './chance.ts'
import { CLOCK, gatewayWith } from './gateway.ts'
import { Guest } from './guest.ts'
import { Ledger } from './ledger.ts'
import { nextStep } from './steps.ts'
import type { Thief } from './thief.ts'

/** Gateways that keep much, and such that keep very little. */
const gateways = [
  gatewayWith({ window: 20_000 }, false),
  gatewayWith({ window: 20_000 }, true),
  gatewayWith({ window: 3_000 }, false),
  gatewayWith({ window: 20_000, limit: 5 }, false),
  gatewayWith({ window: 20_000, bytes: 3_000 }, false),
]

const limits = {
  heartbeat: 2_500,
  buffer: 20_000,
  farewell: 2_000,
  rate: Number.POSITIVE_INFINITY,
  burst: Number.POSITIVE_INFINITY,
  waiting: 100_000,
  waitingSize: 10_000_000,
  pending: 100_000,
}

/** One app, its clients, and all that happens to them. */
export interface History {
  readonly chance: Chance
  readonly gateway: (typeof gateways)[number]
  readonly app: TestApp
  readonly ledger: Ledger
  readonly log: CollectingLogger
  readonly guests: Guest[]
  readonly thieves: Thief[]
}

/**
 * Lets a history happen, up to where the network is good again and everything under way has come to its end. What it is
 * depends on the seed alone.
 *
 * @param trace hears of every step, and of all that passes on the network.
 */
export async function happen(seed: number, trace?: (line: string) => void): Promise<History> {
  const chance = new Chance(seed)
  const gateway = chance.pick(gateways)
  const clock = new ManualClock()
  const ledger = new Ledger()
  const log = new CollectingLogger()
  const app = await testApp(gateway, {
    clock,
    seed: chance.below(2 ** 31),
    patience: 0,
    limits,
    logger: log,
    codecs: [msgpack()],
    topics: chance.hits(0.5),
    trace,
    providers: [
      { provide: Ledger, useValue: ledger },
      { provide: CLOCK, useValue: clock },
    ],
  })
  const history: History = { chance, gateway, app, ledger, log, guests: [], thieves: [] }
  for (let count = 1 + chance.below(3); count > 0; count--) come(history)
  await app.settle()
  // Most are short, so that many can be tried; some are long, for what takes long to happen.
  const steps = chance.hits(0.1) ? 40 + chance.below(30) : 3 + chance.below(25)
  for (let count = 0; count < steps; count++) {
    const { name, take } = nextStep(chance)
    trace?.(`--- ${name}`)
    await take(history)
    if (chance.hits(0.8)) await app.settle()
  }
  trace?.('--- the network heals')
  await settle(history)
  return history
}

/** Everybody leaves, and the app ends. Returns its figures before it is stopped, when nobody is there any more. */
export async function end({ app, guests, thieves }: History): Promise<AppStats> {
  for (const { client } of guests) client.close()
  for (const { line } of thieves) line.close()
  // So long is kept what somebody may still ask for.
  await app.advance(60_000)
  const figures = app.stats()
  await app.stop()
  return figures
}

function come({ app, guests, chance }: History): void {
  guests.push(new Guest(guests.length + 1, app, chance.hits(0.3) ? msgpack() : json()))
}

async function settle({ app, ledger, guests, thieves }: History): Promise<void> {
  app.network.heal()
  for (const { client } of guests) client.network.heal()
  // Longer where a long line of slow events is handled still.
  for (let quiet = 0, before = -1; quiet < 5; quiet++) {
    for (const thief of thieves) thief.read()
    await app.advance(5_000)
    for (const guest of guests) guest.answer()
    if (quiet > 0 && ledger.count > before) quiet--
    before = ledger.count
  }
  await app.settle()
  for (const thief of thieves) thief.read()
  await app.settle()
}
