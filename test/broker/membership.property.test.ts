import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Leases } from '../../lib/broker/leases.ts'
import { type Beat, Membership } from '../../lib/broker/membership.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'

const LEASE = 2_400
/** How far time moves in a step, in parts of a lease. */
const TICK = LEASE / 24
const NODES = [0, 1, 2, 3]

/** What may befall one node, the server of the leases, and its clock. */
type Step =
  | { kind: 'kill' | 'freeze' | 'wake' | 'cut' | 'mend' | 'stutter'; node: number }
  | { kind: 'wait'; ticks: number }
  | { kind: 'down' | 'up' | 'forget' }
  | { kind: 'set'; clock: number }

const node = fc.constantFrom(...NODES)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ticks: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), node }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'freeze' as const,
        'wake' as const,
        'cut' as const,
        'mend' as const,
        'stutter' as const,
      ),
      node,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('down' as const, 'up' as const, 'up' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      clock: fc.integer({ min: -100 * LEASE, max: 100 * LEASE }),
    }),
  },
)

/** The server of the leases, with a clock of its own. */
class World {
  readonly clock = new HandClock()
  readonly nodes: Node[] = NODES.map((i) => new Node(i, this))
  leases = new Leases()
  isUp = true
  /** When that changed. */
  since = 0
  offset = 0
  /** How often it has forgotten everything. */
  losses = 0

  beat(name: string): Beat {
    return this.leases.beat(name, this.clock.now() + this.offset, LEASE)
  }

  async wait(ticks: number): Promise<void> {
    for (let i = 0; i < ticks; i++) {
      this.clock.advance(TICK)
      await nextTurn()
    }
  }
}

class Node {
  readonly name: string
  readonly members: Membership
  readonly #world: World
  readonly #place: number
  isAlive = true
  isFrozen = false
  isCut = false
  /** Whether it was ever kept from renewing its lease by something that did not befall all the others too. */
  wasHindered = false
  /** The answer to its next beat does not arrive, and it asks again. */
  isStuttering = false
  lapses = 0
  /** How often each of the others was told to have left. */
  readonly left: string[] = []
  /** Who was told to have left since it last knew that its own lease had ended. */
  wasMourned = false
  #asleep: (() => void)[] = []

  constructor(place: number, world: World) {
    this.name = `node ${place}`
    this.#world = world
    this.#place = place
    this.members = new Membership({
      node: this.name,
      lease: LEASE,
      clock: {
        now: () => world.clock.now(),
        setTimeout: (task, milliseconds) => world.clock.setTimeout(() => this.#run(task), milliseconds),
        clearTimeout: (timer) => world.clock.clearTimeout(timer),
      },
      beat: () => this.#beat(),
      failed: (error) => {
        throw error
      },
    })
    this.members.onChange(({ left, lapsed }) => {
      this.left.push(...left)
      for (const other of world.nodes) if (left.includes(other.name)) other.wasMourned = true
      if (!lapsed) return
      this.lapses++
      this.wasMourned = false
    })
  }

  get isWell(): boolean {
    return this.isAlive && !this.isFrozen && !this.isCut
  }

  wake(): void {
    this.isFrozen = false
    for (const task of this.#asleep.splice(0)) this.#run(task)
  }

  /** What is due while it is frozen comes when it is awake again, and never when it is dead. */
  #run(task: () => void): void {
    if (!this.isAlive) return
    if (this.isFrozen) this.#asleep.push(task)
    else task()
  }

  async #beat(): Promise<Beat> {
    await Promise.resolve()
    const { clock, isUp, since } = this.#world
    // Nobody finds it again at once.
    if (!this.isWell || !isUp || clock.now() < since + this.#place * TICK) throw new Error('away')
    if (this.isStuttering) this.#world.beat(this.name)
    this.isStuttering = false
    return this.#world.beat(this.name)
  }
}

test('nobody is taken for dead who is not, who is dead is found out, and who was taken for it knows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const world = new World()
      // Each at a time of its own.
      for (const { members } of world.nodes) {
        await members.refresh()
        await world.wait(1)
      }
      await world.wait(6)
      for (const one of steps) {
        const target = 'node' in one ? (world.nodes[one.node] as Node) : undefined
        if (target !== undefined && one.kind !== 'stutter') target.wasHindered = true
        if (one.kind === 'wait') await world.wait(one.ticks)
        else if (one.kind === 'set') world.offset += one.clock
        else if (one.kind === 'down' || one.kind === 'up') {
          if (world.isUp !== (one.kind === 'up')) world.since = world.clock.now()
          world.isUp = one.kind === 'up'
        } else if (one.kind === 'forget') {
          world.leases = new Leases()
          world.losses++
        } else if (target === undefined) throw new Error('there is no other step')
        else if (one.kind === 'kill') target.isAlive = false
        else if (one.kind === 'freeze') target.isFrozen = true
        else if (one.kind === 'wake') target.wake()
        else if (one.kind === 'stutter') target.isStuttering = true
        else target.isCut = one.kind === 'cut'
      }
      world.isUp = true
      // Leases of a whole one at most, that of whom has just come back; all that were to be lost, and what is between two beats.
      await world.wait(24 * 3)
      const well = world.nodes.filter(({ isWell }) => isWell).map(({ name }) => name)
      for (const one of world.nodes) {
        if (!one.isWell) continue
        expect([...one.members.live].sort()).toEqual(well)
        expect(one.wasMourned).toBe(false)
        if (!one.wasHindered) expect(one.lapses).toBeLessThanOrEqual(world.losses)
      }
      const mourned = new Set(world.nodes.flatMap(({ left }) => left))
      for (const { name, wasHindered } of world.nodes) if (!wasHindered) expect(mourned).not.toContain(name)
    }),
    { numRuns: 500 },
  )
}, 30_000)
