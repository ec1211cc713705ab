import type { Buffer } from 'node:buffer'
import type { BrokerCounters } from '../broker/broker.ts'
import { unattended } from '../broker/error.ts'
import type { LateHost } from '../broker/host.ts'
import type { Membership } from '../broker/membership.ts'
import { RosterCopy, type RosterList } from '../broker/roster-copy.ts'
import {
  isTooLong,
  type RosterEntry,
  type Rosters,
  type RosterWatcher,
  type Watching,
} from '../broker/rosters.ts'
import type { Channels } from './channels.ts'
import type { Commands } from './commands.ts'
import { viewOf } from './envelope.ts'
import type { Names } from './names.ts'
import type { Terms } from './options.ts'
import { Roster } from './roster.ts'

export interface RostersParts {
  host: LateHost
  node: Buffer
  /** The same, as others write it. */
  own: string
  terms: Terms
  names: Names
  commands: Commands
  channels: Channels
  nodes: Membership
  counters: BrokerCounters
}

/** Rosters in Redis: of each, one hash for every node that has members, and its version beside them. */
export class RedisRosters implements Rosters {
  readonly #parts: RostersParts
  readonly #rosters = new Map<string, Roster>()
  #isStopped = false

  constructor(parts: RostersParts) {
    this.#parts = parts
    parts.nodes.onChange((change) => {
      if (change.lapsed) this.restore()
      for (const { copies } of this.#rosters.values()) for (const copy of copies) copy.nodesChanged(change)
    })
  }

  enter(roster: string, member: string, bytes: Uint8Array): void {
    const { counters, terms } = this.#parts
    if (this.#isStopped || bytes.length > terms.maxPayload || isTooLong(member)) counters.dropped++
    else this.#of(roster).set(member, bytes.slice())
  }

  leave(roster: string, member: string): void {
    const known = this.#rosters.get(roster)
    if (known?.own.has(member) && !this.#isStopped) known.set(member, undefined)
  }

  list(roster: string): Promise<readonly RosterEntry[]> {
    const { nodes, own } = this.#parts
    const list = async (): Promise<RosterEntry[]> => {
      const { entries } = await this.#list(roster)
      if (entries.some(({ node }) => !nodes.isLive(node))) await nodes.refresh()
      const others = entries.filter(({ node }) => node !== own && nodes.isLive(node))
      const ours = [...(this.#rosters.get(roster)?.own ?? [])]
      return [...others, ...ours.map(([member, bytes]) => ({ member, node: own, bytes: bytes.slice() }))]
    }
    return unattended(list())
  }

  watch(name: string, watcher: RosterWatcher): Watching {
    const { channels, host, names, nodes, own } = this.#parts
    const roster = this.#of(name)
    const copy: RosterCopy = new RosterCopy(
      {
        node: own,
        clock: host.clock,
        own: () => roster.own,
        list: () => this.#list(name),
        isLive: (node) => nodes.isLive(node),
        lookWhoLives: () => nodes.refresh(),
        failed: host.failed,
      },
      watcher,
      () => {
        roster.copies.delete(copy)
        end()
        this.#forget(name, roster)
      },
    )
    roster.copies.add(copy)
    const end = channels.listen(names.roster(name).channel, false, {
      listening: () => copy.lookAgain(),
      heard: (envelope) => {
        if (envelope.kind !== 'change') return
        const { from: node, version, member, bytes } = envelope
        nodes.seen(node)
        copy.heard({ node, version, member, bytes })
      },
    })
    return copy
  }

  /** Redis may have forgotten what it was told. */
  restore(): void {
    for (const roster of this.#rosters.values()) roster.restore()
  }

  /** Lets what is this node's live on, and makes sure that nothing was missed. */
  audit(): void {
    for (const roster of this.#rosters.values()) void roster.audit()
  }

  /** Takes out all that this node has entered, and forgets it. Resolves when Redis knows. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const { commands, names, own } = this.#parts
    for (const [, roster] of [...this.#rosters]) roster.stop()
    // Of what was taken out just now, Redis may not know yet.
    const emptied = [...this.#rosters].filter(([, roster]) => !roster.isIdle)
    // Nobody has to be told: that the node is gone, all others hear.
    await Promise.allSettled(
      emptied.map(([name]) => {
        const key = `${names.roster(name).index}:${own}`
        return commands.run(commands.plain(['DEL', key]))
      }),
    )
  }

  #of(name: string): Roster {
    const known = this.#rosters.get(name)
    if (known !== undefined) return known
    const roster: Roster = new Roster(name, this.#parts, () => this.#forget(name, roster))
    this.#rosters.set(name, roster)
    return roster
  }

  #forget(name: string, roster: Roster): void {
    if (roster.isIdle && this.#rosters.get(name) === roster) this.#rosters.delete(name)
  }

  async #list(name: string): Promise<RosterList> {
    const { commands, names } = this.#parts
    const reply = await commands.run(commands.script('list', [names.roster(name).index], []))
    const [version, ...nodes] = reply as [Buffer | null, ...[Buffer, Buffer[]][]]
    const entries = nodes.flatMap(([id, fields]) => {
      const node = id.toString()
      return Array.from({ length: fields.length / 2 }, (_, i) => {
        const bytes = viewOf(fields[2 * i + 1] as Buffer)
        return { member: String(fields[2 * i]), node, bytes }
      })
    })
    return { version: Number(version ?? 0), entries }
  }
}
