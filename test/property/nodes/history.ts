import { json } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { MemoryHub } from '../../../lib/broker/memory-hub.ts'
import { TestNode } from '../../core/several-nodes.ts'
import { HandClock } from '../../support/clock.ts'
import { nextTurn } from '../../support/until.ts'
import { Chance } from '../recovery/chance.ts'
import { Chronicle } from './chronicle.ts'
import { gatewayOn, ROOMS, type Server, SLOW, type Word } from './gateway.ts'
import { Wanderer } from './wanderer.ts'

const limits = {
  heartbeat: 2_500,
  farewell: 2_000,
  rate: Number.POSITIVE_INFINITY,
  burst: Number.POSITIVE_INFINITY,
  buffer: 100_000,
}

const TIMES = [0, 1, 50, 1_000, 3_000, 8_000, 21_000]
const OPS: readonly Word['op'][] = ['nothing', 'echo', 'room', 'room', 'wait', 'ask']

/** A node, with what it is in a history. */
interface Place {
  readonly number: number
  readonly node: TestNode
  isCut: boolean
  isFrozen: boolean
  server(): Server
}

/** Several nodes, their clients, and all that happens to them, as it follows from a seed. */
export class History {
  readonly chance: Chance
  readonly clock = new HandClock()
  readonly hub = new MemoryHub()
  readonly chronicle = new Chronicle()
  readonly guests: Wanderer[] = []
  readonly nodes: Place[] = []
  readonly logged: string[] = []
  readonly figures = { resumed: 0, refused: 0, kills: 0, stops: 0, cuts: 0, freezes: 0 }
  readonly #trace: ((line: string) => void) | undefined
  #number = 0

  constructor(seed: number, trace?: (line: string) => void) {
    this.chance = new Chance(seed)
    this.#trace = trace
  }

  async happen(): Promise<void> {
    const { chance } = this
    for (let i = 0; i < 3; i++) await this.#addNode()
    for (let i = 1 + chance.below(3); i > 0; i--)
      this.guests.push(
        new Wanderer(this.guests.length + 1, chance.hits(0.3) ? msgpack() : json(), this.#trace),
      )
    for (const guest of this.guests) await this.#goTo(guest, chance.pick(this.nodes))
    await nextTurn()
    const steps = 5 + chance.below(chance.hits(0.1) ? 60 : 25)
    for (let i = 0; i < steps; i++) {
      await this.#step()
      if (chance.hits(0.85)) await nextTurn()
    }
    this.#trace?.('--- everything heals')
    await this.#heal()
  }

  /** Ends it, so that nothing is left. */
  async end(): Promise<void> {
    for (const { node } of this.nodes) {
      this.#count(node)
      let isOver = false
      const stopping = node.stop().finally(() => {
        isOver = true
      })
      for (let i = 0; i < 60 && !isOver; i++) await this.advance(500)
      await stopping
      this.#takeLog(node)
    }
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.clock.now() + milliseconds
    await nextTurn()
    for (let { next } = this.clock; next !== undefined && next <= end; { next } = this.clock) {
      this.clock.advance(Math.max(0, next - this.clock.now()))
      await nextTurn()
    }
    this.clock.advance(Math.max(0, end - this.clock.now()))
    await nextTurn()
  }

  async #addNode(): Promise<void> {
    const number = ++this.#number
    const wait = (): Promise<void> =>
      new Promise((resolve) => void place.node.clock.setTimeout(resolve, SLOW))
    const root = gatewayOn({ number }, this.chronicle, wait)
    const options = { limits, codecs: [msgpack()] }
    const node = new TestNode(root, this.hub, this.clock, options, this.chance.hits(0.5))
    const place: Place = { number, node, isCut: false, isFrozen: false, server: () => node.app.get(root) }
    this.nodes.push(place)
    await node.app.ready()
    await nextTurn()
  }

  async #step(): Promise<void> {
    const { chance } = this
    const roll = chance.random()
    const guest = chance.pick(this.guests)
    const place = chance.pick(this.nodes)
    const say = (what: string): void => this.#trace?.(`--- ${what}`)
    if (roll < 0.25) {
      const op = chance.pick(OPS)
      say(`guest ${guest.number} says, to ${op}`)
      if (!this.#isFrozenFor(guest)) guest.say(op, chance.hits(0.5))
    } else if (roll < 0.42) {
      const room = chance.pick([undefined, ...ROOMS])
      say(`node ${place.number} publishes to ${room}`)
      if (!place.isFrozen) for (let i = chance.pick([1, 1, 3]); i > 0; i--) place.server().publish(room)
    } else if (roll < 0.5) {
      const socket = chance.pick([...place.node.app.sockets])
      say(`node ${place.number} tells ${socket?.id}`)
      if (socket !== undefined && !place.isFrozen) place.server().tell(socket)
    } else if (roll < 0.7) {
      say(`guest ${guest.number} goes to node ${place.number}`)
      // A node that stands still hears of nothing.
      guest.leave(chance.hits(0.6) && !this.#isFrozenFor(guest))
      if (!place.isFrozen) await this.#goTo(guest, place)
    } else if (roll < 0.74) {
      say(`guest ${guest.number} stalls`)
      guest.stall()
    } else if (roll < 0.86) {
      const time = chance.pick(TIMES)
      say(`${time} ms`)
      await this.advance(time)
    } else if (roll < 0.9) {
      say(`node ${place.number} is cut, or mended`)
      await nextTurn()
      if (place.isCut) this.#mend(place)
      else if (!place.isFrozen) {
        place.isCut = true
        this.figures.cuts++
        this.chronicle.cut(place.number)
        place.node.broker.cut()
      }
    } else if (roll < 0.93 && this.nodes.length > 1) {
      say(`node ${place.number} is killed`)
      await nextTurn()
      this.figures.kills++
      this.#remove(place)
      place.node.kill()
      this.chronicle.killed(place.number)
      await this.#addNode()
    } else if (roll < 0.96 && this.nodes.length > 1) {
      if (place.isFrozen || place.isCut) return
      say(`node ${place.number} stops`)
      this.figures.stops++
      this.#remove(place)
      let isOver = false
      const stopping = place.node.stop().finally(() => {
        isOver = true
      })
      for (let i = 0; i < 60 && !isOver; i++) await this.advance(500)
      await stopping
      await this.#addNode()
    } else if (roll < 0.98) {
      say(`node ${place.number} freezes, or thaws`)
      await nextTurn()
      if (place.isFrozen) await this.#thaw(place)
      else if (!place.isCut) {
        this.figures.freezes++
        place.isFrozen = true
        place.node.freeze()
      }
    } else {
      say('the broker is away, or is back')
      await nextTurn()
      const isAway = this.nodes.every(({ isCut }) => isCut)
      for (const one of this.nodes) {
        if (isAway) this.#mend(one)
        else if (!one.isCut && !one.isFrozen) {
          one.isCut = true
          this.chronicle.cut(one.number)
          one.node.broker.cut()
        }
      }
    }
  }

  readonly #at = new Map<Wanderer, Place>()

  async #goTo(guest: Wanderer, place: Place): Promise<void> {
    this.#at.set(guest, place)
    await guest.connect(place.node)
  }

  #isFrozenFor(guest: Wanderer): boolean {
    return this.#at.get(guest)?.isFrozen === true
  }

  #mend(place: Place): void {
    if (!place.isCut) return
    place.isCut = false
    place.node.broker.mend()
    this.chronicle.mended(place.number)
  }

  async #thaw(place: Place): Promise<void> {
    place.isFrozen = false
    place.node.thaw()
    await nextTurn()
    place.node.clock.catchUp()
    await nextTurn()
  }

  #remove(place: Place): void {
    this.nodes.splice(this.nodes.indexOf(place), 1)
    this.#count(place.node)
    this.#takeLog(place.node)
  }

  #count({ app }: TestNode): void {
    const { sessionsResumed, resumesRefused } = app.stats()
    this.figures.resumed += sessionsResumed
    this.figures.refused += resumesRefused
  }

  #takeLog({ log }: TestNode): void {
    for (const { level, message } of log.take()) if (level !== 'info') this.logged.push(message)
  }

  async #heal(): Promise<void> {
    for (const place of this.nodes) {
      if (place.isFrozen) await this.#thaw(place)
      this.#mend(place)
    }
    await this.advance(3_000)
    for (let round = 0; round < 12; round++) {
      for (const guest of this.guests) {
        if (round < 2 || !guest.isOpen) {
          await this.#goTo(guest, this.chance.pick(this.nodes))
        }
      }
      await this.advance(3_000)
    }
    await this.advance(6_000)
  }
}
