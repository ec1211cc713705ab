import type { GatewayContext, Member, PresenceChange, PresenceWatch, Socket } from 'partyline'
import { joined, left, renamed } from '../events.ts'
import type { Person } from '../people/directory.ts'

/** For how long it is waited for what the other nodes know, in milliseconds. */
const PATIENCE = 5_000

/**
 * Who is in one room, on all nodes, as long as somebody of this one is. Those of this node who are in it are told of all others
 * who come, go and have another name, each step once; of what they do themselves they know already.
 */
export class Circle {
  readonly #chat: GatewayContext
  readonly #room: string
  readonly #watch: PresenceWatch
  readonly #end: () => void
  /** By the ids of those who have been told, in the order in which they came. */
  readonly #names = new Map<string, string>()
  /** Before, those on other nodes are no news: they were there first. */
  #isSettled = false

  /** `end` is called when nobody of this node is in the room any more. */
  constructor(chat: GatewayContext, room: string, end: () => void) {
    this.#chat = chat
    this.#room = room
    this.#end = end
    this.#watch = chat.presence(room).watch((change) => this.#tell(change))
    for (const member of this.#watch.members) this.#note(member)
    void this.#watch.ready.then(() => {
      this.#isSettled = true
    })
  }

  /** Where the broker is away, those of this node and of whom it knew before. */
  async names(): Promise<string[]> {
    if (!this.#isSettled) await this.#settle()
    return [...this.#names.values()]
  }

  endIfEmpty(): void {
    if (this.#chat.rooms.has(this.#room)) return
    this.#watch.close()
    this.#end()
  }

  async #settle(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE)
    })
    await Promise.race([this.#watch.ready, late])
    clearTimeout(timer)
    this.#isSettled = true
  }

  #tell({ joined: came, changed, left: went }: PresenceChange): void {
    const room = this.#room
    // Whose session went on elsewhere left without a word.
    this.endIfEmpty()
    for (const { id } of went) {
      const name = this.#names.get(id)
      this.#names.delete(id)
      if (name !== undefined) for (const one of this.#others(id)) one.emit(left, { room, name })
    }
    for (const member of [...came, ...changed]) {
      const was = this.#names.get(member.id)
      const name = this.#note(member)
      if (name === undefined || name === was) continue
      const isNews = this.#isSettled || this.#chat.sockets.get(member.id) !== undefined
      if (was !== undefined) for (const one of this.#others(member.id)) one.emit(renamed, { room, name, was })
      else if (isNews) for (const one of this.#others(member.id)) one.emit(joined, { room, name })
    }
  }

  /** Notes the name of a member, where it is known already. */
  #note({ id, state }: Member): string | undefined {
    const { name } = state as Person
    if (name !== undefined) this.#names.set(id, name)
    return name
  }

  /** Those of this node, but for one. */
  #others(id: string): Socket[] {
    return this.#chat.to(this.#room).sockets.filter((socket) => socket.id !== id)
  }
}
