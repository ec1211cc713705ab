import { nameOf, type Place, placeOf } from './address.ts'
import type { Terms } from './options.ts'
import { Server, type ServerEvents } from './server.ts'
import { SLOTS, slotOf } from './slot.ts'

/** How long to wait between two questions for the slots of a cluster. */
const PAUSE = 250

/** What a topology tells. */
export interface TopologyEvents extends Omit<ServerEvents, 'up' | 'listening' | 'moved'> {
  /** There is a connection to a server, which may have forgotten everything since the last one. */
  reached(): void
  /** A server came or went, or slots moved: what lies where, and whether it can be reached, may be different now. */
  changed(): void
}

/** Which server has what: a single one everything, each of a cluster its slots. */
export class Topology {
  readonly #terms: Terms
  readonly #events: TopologyEvents
  readonly #servers = new Map<string, Server>()
  readonly #serverEvents: ServerEvents
  /** Undefined as long as no server was ever reached. */
  #isCluster: boolean | undefined
  #single: Server | undefined
  #slots: (Server | undefined)[] = []
  /** Whether each slot is somewhere. */
  #isCovered = false
  #refreshing = false
  /** Slots are known to have moved since they were asked for. */
  #isStale = false
  #timer: unknown
  #isStopped = false

  constructor(terms: Terms, events: TopologyEvents) {
    this.#terms = terms
    this.#events = events
    this.#serverEvents = {
      ...events,
      up: (server) => this.#up(server),
      down: (server, error, wasUp) => {
        events.down(server, error, wasUp)
        if (this.#isCluster) this.refresh()
        if (wasUp) events.changed()
      },
      listening: () => events.changed(),
      moved: () => this.refresh(),
    }
  }

  start(): void {
    this.#addSeeds()
  }

  stop(): void {
    this.#isStopped = true
    this.#terms.clock.clearTimeout(this.#timer)
    for (const server of this.#servers.values()) server.stop()
    this.#servers.clear()
  }

  /** Whether everything can be reached, and is listened to. */
  get isReady(): boolean {
    if (this.#isCluster === undefined) return false
    if (!this.#isCluster) return this.#single?.isUp === true
    return this.#isCovered && this.owners.every((server) => server.isUp)
  }

  /** Those that have slots. */
  get owners(): readonly Server[] {
    if (this.#single !== undefined) return [this.#single]
    return [...new Set(this.#slots)].filter((server) => server !== undefined)
  }

  /** The server that has a slot; undefined as long as none is known. */
  serverOf(slot: number): Server | undefined {
    return this.#single ?? this.#slots[slot]
  }

  /** The server that has a key, or a channel. */
  serverFor(key: string): Server | undefined {
    return this.serverOf(slotOf(key))
  }

  /** The server at an address that a cluster's node told. */
  at(address: string): Server {
    return this.#add(this.#terms.locate(address))
  }

  /** A node told that a slot is elsewhere: `MOVED 3999 127.0.0.1:6381`. */
  moved(message: string): void {
    const [, slot, address] = message.split(' ')
    if (this.#isCluster && address !== undefined && !address.startsWith(':')) {
      const server = this.at(address)
      server.activate()
      this.#slots[Number(slot)] = server
      this.#events.changed()
    }
    this.refresh()
  }

  /** Asks who has which slots, soon. */
  refresh(): void {
    if (!this.#isCluster || this.#isStopped) return
    this.#isStale = true
    if (this.#refreshing) return
    this.#refreshing = true
    void this.#refresh()
  }

  #up(server: Server): void {
    if (this.#isStopped) return
    this.#events.reached()
    this.#isCluster ??= server.isCluster
    if (this.#isCluster) {
      this.refresh()
    } else if (this.#single === undefined) {
      this.#single = server
      server.activate()
      for (const other of this.#servers.values()) if (other !== server) this.#remove(other)
    }
    this.#events.changed()
  }

  /** It does not throw. */
  async #refresh(): Promise<void> {
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false
      let isKnown = false
      // Any of them knows; those that have slots most likely.
      for (const server of new Set([...this.owners, ...this.#servers.values()])) {
        if (!server.commands.isUp) continue
        try {
          const answer = await server.commands.send(['CLUSTER', 'SLOTS'], 0)
          isKnown = !this.#isStopped && this.#take(answer, server)
          if (isKnown) break
        } catch {
          // The next one is asked.
        }
      }
      if (!isKnown || this.owners.some((server) => !server.commands.isUp)) {
        // A server is gone: another may have taken its place by the next time.
        this.#isStale = true
        if (![...this.#servers.values()].some((server) => server.commands.isUp)) this.#addSeeds()
      }
      await new Promise<void>((resolve) => {
        this.#timer = this.#terms.clock.setTimeout(resolve, PAUSE)
      })
    }
    this.#refreshing = false
  }

  /** Takes over who has which slots; returns whether all of them are somewhere. */
  #take(answer: unknown, asked: Server): boolean {
    const slots: (Server | undefined)[] = []
    for (const [from, to, master] of answer as [number, number, [unknown, number]][]) {
      // Without an address it means itself.
      const host = String(master[0] ?? '')
      const address = `${host === '' ? placeOf(asked.name).host : host}:${master[1]}`
      const server = this.at(address)
      for (let slot = from; slot <= to; slot++) slots[slot] = server
    }
    if (slots.length === 0) return false
    this.#slots = slots
    this.#isCovered = slots.filter((server) => server !== undefined).length === SLOTS
    const owners = new Set(this.owners)
    for (const server of owners) server.activate()
    this.#events.changed()
    for (const server of this.#servers.values()) if (!owners.has(server)) this.#remove(server)
    return this.#isCovered
  }

  #addSeeds(): void {
    for (const place of this.#terms.seeds) this.#add(place)
  }

  #add(place: Place): Server {
    const known = this.#servers.get(nameOf(place))
    if (known !== undefined) return known
    const server = new Server(place, this.#terms, this.#serverEvents)
    this.#servers.set(server.name, server)
    server.start()
    return server
  }

  #remove(server: Server): void {
    this.#servers.delete(server.name)
    server.stop()
  }
}
