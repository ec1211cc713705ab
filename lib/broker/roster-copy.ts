import type { Clock } from '../protocol/clock.ts'
import type { NodesChange } from './nodes.ts'
import type { RosterEntry, RosterWatcher, Watching } from './rosters.ts'

/** What a copy needs of its broker. */
export interface RosterSource {
  node: string
  clock: Clock
  /** This node's own members. */
  own(): ReadonlyMap<string, Uint8Array>
  /** Everything that is kept, of dead nodes too. */
  list(): Promise<RosterList>
  isLive(node: string): boolean
  /** Looks who is alive; does not reject. */
  lookWhoLives(): Promise<void>
  /** A watcher threw. */
  failed(error: unknown): void
}

/** A roster as it is kept. */
export interface RosterList {
  /** Rises by 1 with every change; 0 where there is none. */
  version: number
  entries: readonly RosterEntry[]
}

/** A change, as nodes tell each other. */
export interface RosterEvent {
  version: number
  node: string
  /** Undefined where much has changed at once: the list has to be read anew. */
  member: string | undefined
  /** Undefined where the member left. */
  bytes: Uint8Array | undefined
}

/** How many events wait while the list is read. With any more, it is read again. */
const HELD = 1_000

/** How long to wait after a list could not be read. */
const PAUSE = 500

/**
 * A node's copy of a roster, kept up to date by events, and by the list where one of them was missed. Brokers share it:
 * they say what arrives (`heard`), what this node changes (`changed`), and when something may have been missed
 * (`lookAgain`), first of all once they listen.
 */
export class RosterCopy implements Watching {
  readonly ready: Promise<void>
  readonly #source: RosterSource
  readonly #watcher: RosterWatcher
  readonly #end: () => void
  /** Members by node, those of this one among them. */
  readonly #known = new Map<string, Map<string, RosterEntry>>()
  #version = 0
  #isReady!: () => void
  #isClosed = false
  #isReading = false
  #isStale = false
  #pause: unknown
  /** Nodes with members that are left out, because it is not known that they are alive: one may enter some before it is. */
  readonly #passedOver = new Set<string>()
  /** Events that came while the list was being read. */
  #held: RosterEvent[] = []
  /** How those who have changed since the watcher was told last had been told; undefined for those who were not there. */
  #told: Map<string, RosterEntry | undefined> | undefined

  constructor(source: RosterSource, watcher: RosterWatcher, end: () => void) {
    this.#source = source
    this.#watcher = watcher
    this.#end = end
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve
    })
    for (const [member, bytes] of source.own()) this.changed(member, bytes)
  }

  /** Of the roster, as far as it is known here. */
  get version(): number {
    return this.#version
  }

  get entries(): readonly RosterEntry[] {
    return [...this.#known.values()].flatMap((members) => [...members.values()])
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#source.clock.clearTimeout(this.#pause)
    this.#isReady()
    this.#end()
  }

  /** This node has entered a member, or taken it out. */
  changed(member: string, bytes: Uint8Array | undefined): void {
    this.#set({ member, node: this.#source.node, bytes })
  }

  /** A change was told, by another node or by this one. */
  heard(event: RosterEvent): void {
    if (this.#isClosed) return
    if (this.#isReading) {
      if (this.#held.length < HELD) this.#held.push(event)
      else this.#isStale = true
    } else if (event.version === this.#version + 1 && event.member !== undefined) this.#apply(event)
    else if (event.version > this.#version) this.lookAgain()
  }

  /** Something may have been missed. */
  lookAgain(): void {
    this.#isStale = true
    if (!this.#isReading && !this.#isClosed) void this.#catchUp()
  }

  /** Nodes came or are dead. */
  nodesChanged({ joined, left }: Pick<NodesChange, 'joined' | 'left'>): void {
    for (const node of left) {
      const members = [...(this.#known.get(node)?.keys() ?? [])]
      if (members.length > 0) this.#passedOver.add(node)
      for (const member of members) this.#set({ member, node, bytes: undefined })
    }
    if (joined.some((node) => this.#passedOver.has(node))) this.lookAgain()
  }

  async #catchUp(): Promise<void> {
    this.#isReading = true
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false
      try {
        const list = await this.#source.list()
        const nodes = new Set(list.entries.map(({ node }) => node))
        if ([...nodes].some((node) => !this.#source.isLive(node))) await this.#source.lookWhoLives()
        if (this.#isClosed) return
        this.#take(list)
        for (const event of this.#held.splice(0)) {
          if (event.version === this.#version + 1 && event.member !== undefined) this.#apply(event)
          else if (event.version > this.#version) this.#isStale = true
        }
      } catch {
        // That the broker is away it tells by itself. Here there is nothing to do but to ask again.
        this.#isStale = true
        await new Promise<void>((resolve) => {
          this.#pause = this.#source.clock.setTimeout(resolve, PAUSE)
        })
      }
    }
    this.#isReading = false
    if (!this.#isClosed) this.#isReady()
  }

  #take({ version, entries }: RosterList): void {
    this.#version = version
    this.#passedOver.clear()
    const listed = new Map<string, Set<string>>()
    for (const entry of entries) {
      if (entry.node === this.#source.node) continue
      if (!this.#source.isLive(entry.node)) {
        this.#passedOver.add(entry.node)
        continue
      }
      const members = listed.get(entry.node) ?? new Set()
      listed.set(entry.node, members.add(entry.member))
      this.#set(entry)
    }
    for (const [node, members] of this.#known) {
      if (node === this.#source.node) continue
      for (const member of [...members.keys()])
        if (!listed.get(node)?.has(member)) this.#set({ member, node, bytes: undefined })
    }
  }

  #apply({ version, node, member = '', bytes }: RosterEvent): void {
    this.#version = version
    if (node !== this.#source.node) this.#set({ member, node, bytes })
  }

  #set({ member, node, bytes }: { member: string; node: string; bytes: Uint8Array | undefined }): void {
    const members = this.#known.get(node) ?? new Map<string, RosterEntry>()
    const before = members.get(member)
    if (isSame(before?.bytes, bytes)) return
    if (bytes === undefined) members.delete(member)
    else members.set(member, { member, node, bytes })
    if (members.size === 0) this.#known.delete(node)
    else this.#known.set(node, members)

    if (this.#told === undefined) {
      this.#told = new Map()
      queueMicrotask(() => this.#tell())
    }
    const key = `${node} ${member}`
    if (!this.#told.has(key)) this.#told.set(key, before)
  }

  /** Tells what is other than it was told. */
  #tell(): void {
    const told = this.#told ?? new Map<string, RosterEntry | undefined>()
    this.#told = undefined
    const change = { entered: [] as RosterEntry[], left: [] as RosterEntry[] }
    for (const [key, before] of told) {
      const node = key.slice(0, key.indexOf(' '))
      const now = this.#known.get(node)?.get(key.slice(node.length + 1))
      if (now !== undefined && !isSame(before?.bytes, now.bytes)) change.entered.push(now)
      if (now === undefined && before !== undefined) change.left.push(before)
    }
    if (this.#isClosed || change.entered.length + change.left.length === 0) return
    try {
      this.#watcher.changed(change)
    } catch (error) {
      this.#source.failed(error)
    }
  }
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}
