import { Leases } from './leases.ts'
import type { Beat } from './membership.ts'
import { MemoryStream } from './memory-stream.ts'
import { startOf } from './position.ts'
import type { BrokerRecord } from './records.ts'
import type { RosterEvent, RosterList } from './roster-copy.ts'
import type { Entry } from './streams.ts'

/** What travels between brokers in memory. */
export type HubMessage =
  | { kind: 'message'; from: string | undefined; bytes: Uint8Array }
  | { kind: 'entry'; entry: Entry }
  | { kind: 'change'; event: RosterEvent }
  | { kind: 'hello' | 'bye'; from: string }

/** One node, as the hub sees it. */
export interface HubNode {
  readonly node: string
  /** What it listens to. */
  readonly channels: readonly string[]
  /** A message on a channel that it may or may not listen to. */
  hear(channel: string, message: HubMessage): void
}

/** Something that expires. */
interface Expiring<T> {
  value: T
  expires: number
}

interface Roster {
  version: number
  nodes: Map<string, Map<string, Uint8Array>>
  /** When the last change was. */
  changed: number
}

/** For how long an empty roster's version is remembered, so that the next one's is higher. */
const EMPTY = 60_000

/**
 * What brokers in memory have between them: give the same to several, and they are the nodes of one app, in one process.
 * For tests, it can be spoken to as another program would, and cut off from a node.
 */
export class MemoryHub {
  readonly #nodes = new Set<HubNode>()
  readonly #leases = new Leases()
  readonly #streams = new Map<string, MemoryStream>()
  readonly #values = new Map<string, Expiring<Uint8Array>>()
  readonly #records = new Map<string, Expiring<BrokerRecord>>()
  readonly #rosters = new Map<string, Roster>()
  #versions = 0

  /** Sends bytes to an open channel, as another program. */
  publish(channel: string, bytes: Uint8Array): void {
    this.send(`open ${channel}`, { kind: 'message', from: undefined, bytes: bytes.slice() })
  }

  /** What nodes listen to, each channel once for each node. */
  get channels(): readonly string[] {
    return [...this.#nodes].flatMap(({ channels }) => channels)
  }

  connect(node: HubNode): void {
    this.#nodes.add(node)
  }

  disconnect(node: HubNode): void {
    this.#nodes.delete(node)
  }

  /** Sends to all nodes but, where there is one, that which a message is from. */
  send(channel: string, message: HubMessage): void {
    const from = message.kind === 'message' ? message.from : undefined
    for (const one of this.#nodes) if (one.node !== from) one.hear(channel, message)
  }

  beat(node: string, now: number, lease: number): Beat {
    const before = this.#leases.nodes
    const beat = this.#leases.beat(node, now, lease)
    for (const one of before) if (!beat.live.includes(one)) this.forget(one)
    this.#sweep(now)
    return beat
  }

  /** A node says goodbye. */
  forget(node: string): void {
    this.#leases.end(node)
    for (const { nodes } of this.#rosters.values()) nodes.delete(node)
  }

  /** The stream of that key; made where there is none. */
  stream(key: string, now: number): MemoryStream {
    const known = this.findStream(key, now)
    if (known !== undefined) return known
    const stream = new MemoryStream(startOf(now))
    this.#streams.set(key, stream)
    return stream
  }

  /** The stream of that key, if there is one. */
  findStream(key: string, now: number): MemoryStream | undefined {
    const stream = this.#streams.get(key)
    return stream === undefined || stream.expires <= now ? undefined : stream
  }

  value(name: string, now: number): Uint8Array | undefined {
    return unexpired(this.#values, name, now)
  }

  setValue(name: string, bytes: Uint8Array, expires: number): void {
    this.#values.set(name, { value: bytes, expires })
  }

  deleteValue(name: string, now: number): boolean {
    return unexpired(this.#values, name, now) !== undefined && this.#values.delete(name)
  }

  record(key: string, now: number): BrokerRecord | undefined {
    return unexpired(this.#records, key, now)
  }

  setRecord(key: string, bytes: Uint8Array, expires: number): string {
    const version = String(++this.#versions)
    this.#records.set(key, { value: { bytes, version }, expires })
    return version
  }

  touchRecord(key: string, now: number, expires: number): boolean {
    const kept = this.#records.get(key)
    if (kept === undefined || kept.expires <= now) return false
    kept.expires = expires
    return true
  }

  deleteRecord(key: string): void {
    this.#records.delete(key)
  }

  roster(name: string): RosterList {
    const roster = this.#rosters.get(name)
    const entries = [...(roster?.nodes ?? [])].flatMap(([node, members]) =>
      [...members].map(([member, bytes]) => ({ member, node, bytes })),
    )
    return { version: roster?.version ?? 0, entries }
  }

  /** Replaces all members of a node. */
  fill(name: string, node: string, members: ReadonlyMap<string, Uint8Array>, now: number): void {
    const roster = this.#rosterOf(name, now)
    if (members.size > 0) roster.nodes.set(node, new Map(members))
    else roster.nodes.delete(node)
    this.#changed(name, roster, { node, member: undefined, bytes: undefined })
  }

  /** Enters or takes out one member of a node. */
  change(name: string, node: string, member: string, bytes: Uint8Array | undefined, now: number): void {
    const roster = this.#rosterOf(name, now)
    const members = roster.nodes.get(node) ?? new Map<string, Uint8Array>()
    if (bytes === undefined) members.delete(member)
    else members.set(member, bytes)
    if (members.size > 0) roster.nodes.set(node, members)
    else roster.nodes.delete(node)
    this.#changed(name, roster, { node, member, bytes })
  }

  #rosterOf(name: string, now: number): Roster {
    const roster = this.#rosters.get(name) ?? { version: startOf(now), nodes: new Map(), changed: now }
    roster.changed = now
    this.#rosters.set(name, roster)
    return roster
  }

  #changed(name: string, roster: Roster, event: Omit<RosterEvent, 'version'>): void {
    this.send(`roster ${name}`, { kind: 'change', event: { version: ++roster.version, ...event } })
  }

  /** Forgets what has expired. */
  #sweep(now: number): void {
    for (const kept of [this.#values, this.#records, this.#streams])
      for (const [key, { expires }] of kept) if (expires <= now) kept.delete(key)
    for (const stream of this.#streams.values()) stream.trim(now)
    for (const [name, { nodes, changed }] of this.#rosters)
      if (nodes.size === 0 && changed + EMPTY <= now) this.#rosters.delete(name)
  }
}

function unexpired<T>(kept: ReadonlyMap<string, Expiring<T>>, key: string, now: number): T | undefined {
  const found = kept.get(key)
  return found !== undefined && found.expires > now ? found.value : undefined
}
