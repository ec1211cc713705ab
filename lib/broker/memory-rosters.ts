import { unattended } from './error.ts'
import type { Membership } from './membership.ts'
import type { MemoryLink } from './memory-link.ts'
import { RosterCopy } from './roster-copy.ts'
import { isTooLong, type RosterEntry, type Rosters, type RosterWatcher, type Watching } from './rosters.ts'

/** Rosters in memory. */
export class MemoryRosters implements Rosters {
  readonly #link: MemoryLink
  readonly #nodes: Membership
  /** What this node has entered. */
  readonly #own = new Map<string, Map<string, Uint8Array>>()
  /** Rosters that changed while the hub was out of reach. */
  readonly #unsaid = new Set<string>()
  readonly #copies = new Map<string, Set<RosterCopy>>()
  #isStopped = false

  constructor(link: MemoryLink, nodes: Membership) {
    this.#link = link
    this.#nodes = nodes
    nodes.onChange((change) => {
      if (change.lapsed) this.restore()
      for (const copies of this.#copies.values()) for (const copy of copies) copy.nodesChanged(change)
    })
  }

  enter(roster: string, member: string, bytes: Uint8Array): void {
    if (this.#isStopped || isTooLong(member)) {
      this.#link.counters.dropped++
      return
    }
    const taken = bytes.slice()
    const members = this.#own.get(roster) ?? new Map()
    this.#own.set(roster, members.set(member, taken))
    this.#changed(roster, member, taken)
  }

  leave(roster: string, member: string): void {
    const members = this.#own.get(roster)
    if (this.#isStopped || !members?.delete(member)) return
    if (members.size === 0) this.#own.delete(roster)
    this.#changed(roster, member, undefined)
  }

  list(roster: string): Promise<readonly RosterEntry[]> {
    const list = async (): Promise<RosterEntry[]> => {
      const { entries } = await this.#link.ask((hub) => hub.roster(roster))
      if (entries.some(({ node }) => !this.#nodes.isLive(node))) await this.#nodes.refresh()
      return entries
        .filter(({ node }) => this.#nodes.isLive(node))
        .map((entry) => ({ ...entry, bytes: entry.bytes.slice() }))
    }
    return unattended(list())
  }

  watch(roster: string, watcher: RosterWatcher): Watching {
    const link = this.#link
    const nodes = this.#nodes
    const copy: RosterCopy = new RosterCopy(
      {
        node: link.node,
        clock: link.host.clock,
        own: () => this.#own.get(roster) ?? new Map(),
        list: () => link.ask((hub) => hub.roster(roster)),
        isLive: (node) => nodes.isLive(node),
        lookWhoLives: () => nodes.refresh(),
        failed: link.host.failed,
      },
      watcher,
      () => {
        copies.delete(copy)
        if (copies.size === 0 && this.#copies.get(roster) === copies) this.#copies.delete(roster)
        end()
      },
    )
    const copies = this.#copies.get(roster) ?? new Set()
    this.#copies.set(roster, copies.add(copy))
    const end = link.listen(`roster ${roster}`, {
      listening: () => copy.lookAgain(),
      heard: (message) => {
        if (message.kind !== 'change') return
        nodes.seen(message.event.node)
        copy.heard(message.event)
      },
    })
    return copy
  }

  /** Enters again whatever this node has entered. */
  restore(): void {
    const { hub, node, now } = this.#link
    for (const roster of new Set([...this.#own.keys(), ...this.#unsaid]))
      hub.fill(roster, node, this.#own.get(roster) ?? new Map(), now)
    this.#unsaid.clear()
  }

  stop(): void {
    this.#isStopped = true
    for (const copies of [...this.#copies.values()]) for (const copy of [...copies]) copy.close()
  }

  #changed(roster: string, member: string, bytes: Uint8Array | undefined): void {
    for (const copy of this.#copies.get(roster) ?? []) copy.changed(member, bytes)
    const { hub, isOpen, node } = this.#link
    if (isOpen) hub.change(roster, node, member, bytes, this.#link.now)
    else this.#unsaid.add(roster)
  }
}
