import type { Frame, MemberState, PresenceFrame } from '../protocol/frame.ts'
import type { Client } from './client.ts'
import { Standing, type Wish } from './standing.ts'

/** Somebody who is in a room, over all connections of theirs. */
export interface Member<S = unknown> {
  /** The user's; the socket's where nobody is known. */
  readonly id: string
  /** What the app says of this member. */
  readonly state: S
}

/** Who hears of a room. */
export interface PresenceListener<S = unknown> {
  /** Somebody is there: those who were there already are told first, one by one. */
  joined?(member: Member<S>): unknown
  /** Somebody has left, as of a state that may be old. */
  left?(member: Member<S>): unknown
  /** Somebody's state is another now. */
  changed?(member: Member<S>): unknown
}

/** That somebody watches a room. */
export interface Watch<S = unknown> {
  /**
   * Resolves when it is known who is there, and they have been told. Rejects where the server refuses, which `onError`
   * hears as well, or where it was ended before.
   */
  readonly ready: Promise<void>
  /** Who is there, in the order in which they came; without a line, who was there when it broke. */
  members(): Member<S>[]
  /** Ends it: nothing is told any more. */
  unwatch(): void
}

const all = /* @__PURE__ */ new WeakMap<Client, Presence>()

/**
 * Who is in the rooms of a client's gateway, for as long as the client lives; always the same for a client.
 *
 * @example
 * ```ts no-run
 * import { connect, presence } from 'partyline/client'
 *
 * const chat = connect('ws://localhost:3000/chat')
 * const lobby = presence(chat).watch<{ name: string }>('lobby', {
 *   joined: ({ state }) => console.log(`${state.name} is here`),
 *   left: ({ state }) => console.log(`${state.name} has left`),
 * })
 * await lobby.ready
 * console.log(`${lobby.members().length} are here`)
 * ```
 */
export function presence(client: Client): Presence {
  const made = all.get(client) ?? new Presence(client)
  all.set(client, made)
  return made
}

/**
 * Who is in the rooms of a gateway, as one client sees it; made by `presence`. After each line that broke it is asked
 * anew, and what has changed meanwhile is told as if it happened then.
 */
export class Presence {
  readonly #standing: Standing
  readonly #watched = new Set<People>()

  /** Not for apps: see `presence`. */
  constructor(client: Client) {
    this.#standing = new Standing(client, (frame) => this.#hear(frame))
  }

  /**
   * Tells who is in a room, and who comes and goes. A callback that throws holds up no other, and `onError` hears of it.
   * The state of a member is what the server says: it is not validated.
   */
  watch<S = unknown>(room: string, listener: PresenceListener<S> = {}): Watch<S> {
    const standing = this.#standing
    const people = new People(room, listener as PresenceListener, standing)
    this.#watched.add(people)
    const wish = standing.add({
      ask: (grant) => standing.ask(`watch ${room}`, { watch: room }, grant),
      granted: (there) => people.are(there as readonly MemberState[]),
      refused: () => this.#forget(people),
    })
    people.wish = wish
    return {
      ready: wish.ready,
      members: () => [...people.members.values()] as Member<S>[],
      unwatch: () => {
        if (!this.#watched.has(people)) return
        standing.drop(wish)
        if (![...this.#watched].some((one) => one.room === room)) standing.send({ unwatch: room })
      },
    }
  }

  #forget(people: People): void {
    this.#watched.delete(people)
    people.isOver = true
    people.members.clear()
  }

  #hear(frame: Frame): void {
    if (!('presence' in frame)) return
    // What comes before the answer is in it.
    for (const people of this.#watched)
      if (people.room === frame.presence && people.wish?.isGranted) people.change(frame)
  }
}

/** Who is in a room, as far as one listener was told. */
class People {
  readonly room: string
  readonly members = new Map<string, Member>()
  wish: Wish | undefined
  isOver = false
  readonly #listener: PresenceListener
  readonly #standing: Standing

  constructor(room: string, listener: PresenceListener, standing: Standing) {
    this.room = room
    this.#listener = listener
    this.#standing = standing
  }

  /** These are there, and nobody else. */
  are(there: readonly MemberState[]): void {
    const ids = new Set(there.map(({ id }) => id))
    this.change({ joined: there, left: [...this.members.keys()].filter((id) => !ids.has(id)) })
  }

  change({ joined = [], changed = [], left = [] }: Omit<PresenceFrame, 'presence'>): void {
    for (const id of left) {
      const member = this.members.get(id)
      if (this.members.delete(id)) this.#tell('left', member as Member)
    }
    for (const { id, state } of [...joined, ...changed]) {
      const before = this.members.get(id)
      const member = { id, state }
      this.members.set(id, member)
      if (before === undefined) this.#tell('joined', member)
      else if (JSON.stringify(before.state) !== JSON.stringify(state)) this.#tell('changed', member)
    }
  }

  #tell(what: keyof PresenceListener, member: Member): void {
    if (!this.isOver) void this.#standing.tell(this.room, () => this.#listener[what]?.(member))
  }
}
