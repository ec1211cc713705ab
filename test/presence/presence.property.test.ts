import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { HandClock } from '../support/clock.ts'
import { LEASE, LINGER, Node, pass, settle, Watcher, wordsOf } from './node.ts'

const ROOM = 'lobby'
const ROSTER = `presence:/chat:${ROOM}`

/** What may happen. Nodes, connections and users are given by number. */
type Step =
  | { kind: 'enter'; node: number; user: number; state: number }
  | { kind: 'update'; which: number; state: number }
  | { kind: 'leave' | 'lose' | 'move'; which: number; node: number }
  | { kind: 'kill' | 'stop' | 'cut' | 'mend' | 'rewatch'; node: number }
  | { kind: 'pass'; milliseconds: number }

const node = fc.nat(2)
const which = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('enter' as const), node, user: fc.nat(3), state: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('update' as const), which, state: fc.nat(2) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'lose' as const, 'move' as const),
      which,
      node,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'kill' as const,
        'stop' as const,
        'cut' as const,
        'cut' as const,
        'mend' as const,
      ),
      node,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rewatch' as const), node }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      milliseconds: fc.constantFrom(1, 1_500, 8_000, LINGER - 1, LINGER, 2 * LEASE + LINGER),
    }),
  },
)

/** None, or one of two. */
const stateOf = (state: number): unknown => (state === 0 ? undefined : { state })

/** A connection as it is in truth. */
interface Connection {
  id: string
  node: Place
  user: string
  state: unknown
  at: number
}

/** A place for a node, where one follows another. */
interface Place {
  node: Node
  watcher: Watcher
  isCut: boolean
  /** Since when its watcher has seen all that can be seen. */
  since: number
}

/** Three nodes, and what is true of them. */
class World {
  readonly clock = new HandClock()
  readonly hub = new MemoryHub()
  readonly places: Place[]
  readonly connections: Connection[] = []
  /** When users have last lost a connection; not of those who have come or left on purpose since. */
  readonly lost = new Map<string, number>()
  #count = 0

  constructor() {
    this.places = [0, 1, 2].map(() => this.#open())
  }

  async do(step: Step): Promise<void> {
    // Whatever happens has a time of its own, by which states are in order.
    await pass(this.clock, 10)
    if ('which' in step) {
      const connection = this.connections[step.which % (this.connections.length || 1)]
      if (connection === undefined) return
      const { presence } = connection.node.node
      if (step.kind === 'update') {
        connection.state = stateOf(step.state)
        connection.at = this.clock.now()
        presence.update(ROOM, connection.id, connection.state)
      } else {
        this.connections.splice(this.connections.indexOf(connection), 1)
        if (step.kind === 'leave') this.lost.delete(connection.user)
        else this.#lost(connection)
        presence.leave(ROOM, connection.id, { linger: step.kind !== 'leave' })
        if (step.kind === 'move') this.#enter(step.node, connection.id, connection.user, connection.state)
      }
    } else if (step.kind === 'pass') await pass(this.clock, step.milliseconds)
    else if (step.kind === 'enter')
      this.#enter(step.node, `connection ${++this.#count}`, `user ${step.user}`, stateOf(step.state))
    else await this.#trouble(step.kind, this.places[step.node] as Place)
    await settle()
  }

  /** The members as they are in truth. */
  get members(): string[] {
    const users = new Map<string, Connection[]>()
    for (const one of this.connections) users.set(one.user, [...(users.get(one.user) ?? []), one])
    return wordsOf(
      [...users].map(([id, connections]) => {
        const [last] = connections.filter(({ state }) => state).sort((one, other) => other.at - one.at)
        return { id, state: last?.state ?? {}, connections: connections.length }
      }),
    )
  }

  /** Everything can be reached, and has been for long. */
  async rest(): Promise<void> {
    for (const place of this.places) this.#mend(place)
    await pass(this.clock, 4 * LEASE + LINGER)
  }

  #enter(place: number, id: string, user: string, state: unknown): void {
    const node = this.places[place] as Place
    this.lost.delete(user)
    this.connections.push({ id, node, user, state, at: this.clock.now() })
    node.node.presence.enter(ROOM, id, { id: user, state })
  }

  /** Of what happens where nobody can see it, others are not told in time. */
  #lost({ user, node }: Connection): void {
    if (!node.isCut) this.lost.set(user, this.clock.now())
  }

  async #trouble(kind: 'kill' | 'stop' | 'cut' | 'mend' | 'rewatch', place: Place): Promise<void> {
    if (kind === 'mend') this.#mend(place)
    else if (kind === 'cut') {
      place.isCut = true
      place.node.broker.cut()
    } else if (kind === 'rewatch') {
      place.watcher.watch.close()
      place.watcher = this.#watch(place)
      place.since = this.clock.now()
    } else {
      for (const one of this.connections.filter(({ node }) => node === place)) {
        this.connections.splice(this.connections.indexOf(one), 1)
        this.#lost(one)
      }
      if (kind === 'kill') place.node.kill()
      else await place.node.stop()
      Object.assign(place, this.#open())
    }
  }

  #mend(place: Place): void {
    if (!place.isCut) return
    place.node.broker.mend()
    place.isCut = false
    place.since = this.clock.now()
  }

  #open(): Place {
    const place: Place = {
      node: new Node(this.hub, this.clock),
      isCut: false,
      since: this.clock.now(),
    } as Place
    place.watcher = this.#watch(place)
    return place
  }

  #watch(place: Place): Watcher {
    return new Watcher(place.node.presence, ROOM, ({ left }) => {
      const at = this.places.find(({ node }) => node === place.node) as Place
      for (const { id } of left) {
        const lost = this.lost.get(id)
        // What happened before, or while it was cut off, a watcher may not know.
        const isKnown = lost !== undefined && lost > at.since && !at.isCut
        if (isKnown && this.clock.now() < lost + LINGER)
          throw new Error(`${id} left ${this.clock.now() - lost} ms after a connection was lost`)
        if (at.isCut) continue
        if (this.connections.some(({ user, node }) => user === id && !node.isCut))
          throw new Error(`${id} left, and is there`)
      }
    })
  }
}

test('whatever nodes and connections do, watchers are told what is true in the end, and nobody left too soon', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50, size: 'max' }), async (steps) => {
      const world = new World()
      await settle()
      for (const one of steps) await world.do(one)
      await world.rest()
      const { places, members } = world
      for (const { node, watcher } of places) {
        expect(wordsOf(watcher.watch.members)).toEqual(members)
        expect(wordsOf(await node.presence.members(ROOM))).toEqual(members)
        // What was told, step by step, makes the same.
        const told = wordsOf(watcher.watch.members.map((one) => ({ ...one, connections: 1 })))
        expect(wordsOf([...watcher.told].map(([id, state]) => ({ id, state, connections: 1 })))).toEqual(told)
        // That a watcher has found something wrong it says by throwing.
        expect(node.log.entries).toEqual([])
      }
      for (const { id, node } of world.connections) node.node.presence.leave(ROOM, id, { linger: false })
      for (const { watcher } of places) watcher.watch.close()
      await pass(world.clock, 1_000)
      expect(world.hub.roster(ROSTER).entries).toEqual([])
      // Each node renews its lease, and listens to others' comings.
      expect(world.clock.pending).toBe(places.length)
      expect(world.hub.channels).toEqual(['nodes', 'nodes', 'nodes'])
    }),
    { numRuns: Number(process.env.PARTYLINE_RUNS ?? 150) },
  )
}, 60_000)
