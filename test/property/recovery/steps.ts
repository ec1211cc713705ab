import { type Audience, contextOf, type GatewayContext } from 'partyline'
import type { Conditions, SeenBy } from 'partyline/testing'
import type { Chance } from './chance.ts'
import type { Word } from './gateway.ts'
import type { Guest, Sent } from './guest.ts'
import type { History } from './history.ts'
import { Thief } from './thief.ts'

/** Something that happens in a history. */
export interface Step {
  readonly name: string
  take(history: History): unknown
}

const ROOMS = ['a', 'b'] as const
const DELAYS: readonly Conditions['delay'][] = [0, 30, [0, 300], [500, 3_000]]
const READING = [0, 0, 50, 1_000, 3_000, Number.POSITIVE_INFINITY]
const TIMES = [0, 1, 20, 200, 1_000, 3_000, 8_000, 30_000]
const TIMESENT = [1, 1, 1, 2, 3, 40]
const OPS: readonly Word['op'][] = [undefined, undefined, 'echo', 'tell', 'join', 'join', 'leave', 'wait']
const SIDES: readonly SeenBy[] = ['both', 'both', 'client', 'server']

/** How often each of them is taken, in proportion. */
const steps: readonly (readonly [weight: number, step: Step])[] = [
  [14, { name: 'a client sends', take: clientSends }],
  [4, { name: 'everybody is told', take: (history) => tell(history, 'everybody') }],
  [6, { name: 'a room is told', take: (history) => tell(history, 'room') }],
  [2, { name: 'two rooms are told', take: (history) => tell(history, 'rooms') }],
  [2, { name: 'a room is told, but for one', take: (history) => tell(history, 'but one') }],
  [6, { name: 'one is told', take: tellOne }],
  [4, { name: 'one is asked', take: askOne }],
  [1, { name: 'a room is asked', take: askRoom }],
  [8, { name: 'a cut', take: cut }],
  [3, { name: 'half-open', take: (history) => one(history).client.network.halfOpen() }],
  [2, { name: 'a stall', take: (history) => one(history).client.network.stall() }],
  [3, { name: 'it goes on', take: (history) => one(history).client.network.resume() }],
  [2, { name: 'no network', take: (history) => one(history).client.network.down() }],
  [3, { name: 'a network', take: (history) => one(history).client.network.up() }],
  [4, { name: 'other conditions', take: changeConditions }],
  [12, { name: 'time', take: ({ app, chance }) => app.advance(chance.pick(TIMES)) }],
  [3, { name: 'a client answers', take: (history) => one(history).answer() }],
  [1, { name: 'a restart', take: restart }],
  [1.5, { name: 'a theft', take: steal }],
  [2, { name: 'a thief goes on', take: thiefGoesOn }],
]

const total = steps.reduce((sum, [weight]) => sum + weight, 0)

export function nextStep({ random }: Chance): Step {
  let left = random() * total
  for (const [weight, step] of steps) {
    left -= weight
    if (left < 0) return step
  }
  throw new Error('there is no next step')
}

function one({ guests, chance }: History): Guest {
  return chance.pick(guests)
}

function contextIn({ app, gateway }: History): GatewayContext {
  return app.get(contextOf(gateway))
}

function clientSends(history: History): void {
  const { chance } = history
  const guest = one(history)
  const kind: Sent['kind'] = chance.pick(['emit', 'emit', 'call', 'volatile'])
  for (let times = chance.pick(TIMESENT); times > 0; times--)
    guest.send(kind, chance.pick(OPS), chance.pick(ROOMS))
}

function tell(history: History, whom: 'everybody' | 'room' | 'rooms' | 'but one'): void {
  const { ledger, chance } = history
  const context = contextIn(history)
  const [room, sid] = [chance.pick(ROOMS), chance.pick([...ledger.live.keys()])]
  const rooms = whom === 'rooms' ? ROOMS : [room]
  const reached = whom === 'everybody' ? new Set(ledger.live.keys()) : ledger.members(...rooms)
  const socket = whom === 'but one' && sid !== undefined ? ledger.live.get(sid) : undefined
  if (socket !== undefined) reached.delete(socket.id)
  const audience: Audience | GatewayContext = whom === 'everybody' ? context : context.to(...rooms)
  for (let times = chance.pick(TIMESENT); times > 0; times--)
    ledger.send(reached, (n) => (socket === undefined ? audience : audience.except(socket)).emit('n', n))
}

function tellOne({ ledger, chance }: History): void {
  const socket = chance.pick([...ledger.live.values()])
  if (socket === undefined) return
  for (let times = chance.pick(TIMESENT); times > 0; times--)
    ledger.send([socket.id], (n) => socket.emit('n', n))
}

function askOne({ ledger, chance }: History): void {
  const socket = chance.pick([...ledger.live.values()])
  if (socket === undefined) return
  const timeout = chance.hits(0.5) ? Number.POSITIVE_INFINITY : 5_000
  ledger.ask(socket.id, (key) => socket.call('key', key, { timeout }))
}

function askRoom(history: History): void {
  const { ledger, chance } = history
  const room = chance.pick(ROOMS)
  const { key, settle } = ledger.asks([...ledger.members(room)])
  const answers = contextIn(history).to(room).call('key', key)
  void answers.then((all) => {
    settle(all.map(({ socket, data, error }) => ({ sid: socket.id, answer: data, error })))
  })
}

function cut(history: History): void {
  const { chance } = history
  const after = chance.hits(0.5) ? 0 : 1 + chance.below(4)
  one(history).client.network.cut({ after, seenBy: chance.pick(SIDES) })
}

function changeConditions(history: History): void {
  const { chance } = history
  one(history).client.network.set({
    delay: chance.pick(DELAYS),
    duplicate: chance.pick([0, 0, 0.3, 1]),
    cut: chance.pick([0, 0, 0.05]),
    halfOpen: chance.pick([0, 0, 0.02, 0.1]),
    reading: chance.pick(READING),
  })
}

async function restart({ app, ledger }: History): Promise<void> {
  ledger.crashed()
  await app.restart()
}

async function steal(history: History): Promise<void> {
  const { app, chance, guests, thieves } = history
  const { token, pos, isJson, client } = one(history)
  if (token === undefined || !isJson) return
  const heard =
    client.sid === undefined
      ? 0
      : (guests.find((guest) => guest.client === client)?.listOf(client.sid).length ?? 0)
  if (chance.hits(0.3)) await app.advance(chance.pick(TIMES))
  const isOther = chance.hits(0.2)
  const line = await app.line('/g', {
    identity: { user: isOther ? 'other' : 'one' },
    name: 'thief',
    subprotocols: ['partyline.json.v1', `partyline.resume.${token}.${pos}`],
  })
  await app.settle()
  thieves.push(new Thief(1_000 + thieves.length, line, pos, heard, isOther))
}

function thiefGoesOn({ thieves, chance }: History): void {
  const thief = chance.pick(thieves)
  thief?.read()
  thief?.say()
}
