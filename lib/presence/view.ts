import type { RosterChange, RosterEntry, Rosters, Watching } from '../broker/rosters.ts'
import type { Clock } from '../protocol/clock.ts'
import type { Entry } from './entry.ts'
import type { Member, PresenceChange, PresenceListener, PresenceWatch } from './member.ts'
import { Users } from './users.ts'
import { Waiting } from './waiting.ts'

/** What a view needs of the presence that it is of. */
export interface ViewSource {
  rosters: Rosters
  clock: Clock
  linger: number
  /** What an entry says; undefined where it cannot be read. */
  read(entry: RosterEntry): Entry | 'gone' | undefined
  /** A listener threw. */
  failed(error: unknown): void
}

/** How many members one change names at most. */
const BATCH = 256

/** One room, as long as somebody on this node watches it: its members, those among them who may be back, and who is told. */
export class View {
  readonly #source: ViewSource
  readonly #watching: Watching
  readonly #ready: Promise<void>
  readonly #end: () => void
  readonly #users = new Users()
  /** Who has no connection and may be back. */
  readonly #lingering: Waiting<string>
  /** The members as they have been told, with the state that was. */
  readonly #told = new Map<string, unknown>()
  /** Of whom something may be other than it was told. */
  readonly #touched = new Set<string>()
  readonly #listeners = new Set<{ call: PresenceListener }>()
  #isReady = false
  #isClosed = false

  /** @param end called when nobody watches any more */
  constructor(roster: string, source: ViewSource, end: () => void) {
    this.#source = source
    this.#end = end
    this.#lingering = new Waiting(source.clock, source.linger, (id) => this.#touch(id))
    this.#watching = source.rosters.watch(roster, { changed: (change) => this.#changed(change) })
    this.#changed({ entered: this.#watching.entries, left: [] })
    this.#tell()
    this.#ready = this.#watching.ready.then(() => {
      this.#isReady = true
      // Those who have just come are told first, in whatever order the turn's tasks run.
      this.#tell()
    })
  }

  /** Whether the members of other nodes are known. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Those who have a connection. */
  get connected(): readonly Member[] {
    return this.#users.members
  }

  watch(call: PresenceListener): PresenceWatch {
    const listener = { call }
    this.#listeners.add(listener)
    const members = (): Member[] => this.#members()
    return {
      get members() {
        return members()
      },
      ready: this.#ready,
      close: () => {
        if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.close()
      },
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listeners.clear()
    this.#watching.close()
    this.#lingering.close()
    this.#end()
  }

  #members(): Member[] {
    return [...this.#told].map(([id, state]) => ({ id, state, connections: this.#users.count(id) }))
  }

  #changed({ entered, left }: RosterChange): void {
    // First those who left: who is back at the same time does not linger.
    for (const entry of left) this.#lose(entry)
    for (const entry of entered) {
      const read = this.#source.read(entry)
      if (read === 'gone') this.#touch(this.#users.end(entry))
      else if (read === undefined) this.#lose(entry)
      else {
        this.#touch(this.#users.put(entry, read))
        if (this.#users.has(read.id)) this.#lingering.delete(read.id)
        this.#touch(read.id)
      }
    }
  }

  /** An entry went without a word: its connection, or its node. */
  #lose(entry: RosterEntry): void {
    const id = this.#users.remove(entry)
    // Of whom nobody was told, nobody is told that he is gone.
    if (id !== undefined && this.#told.has(id) && this.#source.linger > 0) this.#lingering.add(id)
    this.#touch(id)
  }

  #touch(id: string | undefined): void {
    if (id === undefined) return
    if (this.#touched.size === 0) queueMicrotask(() => this.#tell())
    this.#touched.add(id)
  }

  /** Tells what is other than it was told. */
  #tell(): void {
    if (this.#touched.size === 0 || this.#isClosed) return
    const batches: Batch[] = []
    for (const id of this.#touched) {
      const step = this.#step(id)
      if (step === undefined) continue
      if (batches.length === 0 || sizeOf(batches.at(-1) as Batch) === BATCH)
        batches.push({ joined: [], changed: [], left: [] })
      ;(batches.at(-1) as Batch)[step.list].push(step.member)
    }
    this.#touched.clear()
    const listeners = [...this.#listeners]
    for (const batch of batches) for (const listener of listeners) this.#call(listener, batch)
  }

  /** What is to be told of one, which counts as told from then on. */
  #step(id: string): { list: keyof Batch; member: Member } | undefined {
    const before = this.#told.get(id)
    const now = this.#users.member(id)
    if (now === undefined && !this.#lingering.has(id)) this.#users.forget(id)
    if (!this.#told.has(id)) {
      if (now === undefined) return undefined
      this.#told.set(id, now.state)
      return { list: 'joined', member: now }
    }
    if (now === undefined) {
      if (this.#lingering.has(id)) return undefined
      this.#told.delete(id)
      return { list: 'left', member: { id, state: before, connections: 0 } }
    }
    if (before === now.state || JSON.stringify(before) === JSON.stringify(now.state)) return undefined
    this.#told.set(id, now.state)
    return { list: 'changed', member: now }
  }

  #call(listener: { call: PresenceListener }, change: PresenceChange): void {
    // One before it may have ended it.
    if (!this.#listeners.has(listener)) return
    try {
      listener.call(change)
    } catch (error) {
      this.#source.failed(error)
    }
  }
}

type Batch = Record<keyof PresenceChange, Member[]>

function sizeOf({ joined, changed, left }: Batch): number {
  return joined.length + changed.length + left.length
}
