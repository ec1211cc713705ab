import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import type { MemoryHub } from '../../lib/broker/memory-hub.ts'
import type { Member, PresenceChange, PresenceWatch } from '../../lib/presence/member.ts'
import { Presence, type PresenceOptions } from '../../lib/presence/presence.ts'
import { MortalClock } from '../../lib/testing/clock.ts'
import type { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'

export const LEASE = 12_000
export const LINGER = 15_000

/** A node of an app that has nothing but presence. */
export class Node {
  readonly broker: MemoryBroker
  readonly presence: Presence
  readonly log = new CollectingLogger()
  readonly #clock: MortalClock

  constructor(hub: MemoryHub, clock: HandClock, options: Partial<PresenceOptions> = {}) {
    const { log } = this
    this.#clock = new MortalClock(clock)
    this.broker = memory({ hub, lease: LEASE })
    this.broker.start({ clock: this.#clock, log })
    this.presence = new Presence({ broker: this.broker, path: '/chat', clock: this.#clock, log, ...options })
  }

  /** Ends it at once, and without a word. */
  kill(): void {
    this.#clock.die()
    this.broker.cut()
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.presence.close()
    await this.broker.stop()
  }
}

/** Somebody who watches a room, and holds what is told against what was told before. */
export class Watcher {
  readonly watch: PresenceWatch
  /** Everything that was told, in words. */
  readonly story: string[] = []
  /** The members by what was told. */
  readonly told = new Map<string, unknown>()

  constructor(presence: Presence, room: string, heard: (change: PresenceChange) => void = () => {}) {
    this.watch = presence.watch(room, (change) => {
      this.story.push(words(change))
      for (const one of change.joined) {
        if (this.told.has(one.id)) throw new Error(`${one.id} joined twice`)
        this.told.set(one.id, one.state)
      }
      for (const one of change.changed) {
        if (!this.told.has(one.id)) throw new Error(`${one.id} changed, and is not there`)
        if (JSON.stringify(this.told.get(one.id)) === JSON.stringify(one.state))
          throw new Error(`${one.id} changed to what it was`)
        this.told.set(one.id, one.state)
      }
      for (const one of change.left)
        if (!this.told.delete(one.id)) throw new Error(`${one.id} left, and was not there`)
      heard(change)
    })
    for (const { id, state } of this.watch.members) this.told.set(id, state)
  }

  /** What was told since this was asked last. */
  next(): string[] {
    return this.story.splice(0)
  }
}

/** A change in words: `+ann +bob{"mood":"sad"} ~cid{} -dan`. */
function words({ joined, changed, left }: PresenceChange): string {
  const list = (sign: string, members: readonly Member[]) =>
    members.map(
      ({ id, state }) => `${sign}${id}${sign === '-' || isEmpty(state) ? '' : JSON.stringify(state)}`,
    )
  return [...list('+', joined).sort(), ...list('~', changed).sort(), ...list('-', left).sort()].join(' ')
}

function isEmpty(state: unknown): boolean {
  return JSON.stringify(state) === '{}'
}

/** Members in words: `ann 2 {}`. */
export function wordsOf(members: readonly Member[]): string[] {
  return members.map(({ id, state, connections }) => `${id} ${connections} ${JSON.stringify(state)}`).sort()
}

/** Lets everything happen that only promises hold back. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await nextTurn()
}

/** Lets so much time pass, with all that happens meanwhile. */
export async function pass(clock: HandClock, milliseconds: number): Promise<void> {
  const end = clock.now() + milliseconds
  await settle()
  while (clock.now() < end) {
    const next = Math.max(clock.now(), Math.min(clock.next ?? end, end))
    clock.advance(next - clock.now())
    await settle()
  }
}
