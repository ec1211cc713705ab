import type { RosterEntry } from '../broker/rosters.ts'
import type { Entry } from './entry.ts'
import type { Member } from './member.ts'

/** An entry, and where it is from. */
interface Connection extends Entry {
  readonly key: string
  /** The connection's id. A session that has moved may be an entry of two nodes for a while. */
  readonly connection: string
}

const NOTHING = Object.freeze({})

/** Who is in one room by the entries of all nodes: the connections of each user, and what they say together. */
export class Users {
  readonly #connections = new Map<string, Connection>()
  readonly #users = new Map<string, Connection[]>()
  /** The ids of connections behind which nobody is known. A user who is called like one is not that one. */
  readonly #nobodies = new Set<string>()

  get members(): Member[] {
    return [...this.#users.keys()].flatMap((id) => this.member(id) ?? [])
  }

  has(id: string): boolean {
    return this.#of(id).length > 0
  }

  /** Whose the entry was that this one replaces. */
  put({ node, member }: RosterEntry, entry: Entry): string | undefined {
    const key = `${node} ${member}`
    const before = this.#remove(key)
    const connection = { ...entry, key, connection: member }
    this.#connections.set(key, connection)
    if (entry.id === member) this.#nobodies.add(member)
    const others = this.#users.get(entry.id)
    if (others === undefined) this.#users.set(entry.id, [connection])
    else others.push(connection)
    return before
  }

  /** Whose it was; undefined where it was not there. */
  remove({ node, member }: RosterEntry): string | undefined {
    return this.#remove(`${node} ${member}`)
  }

  /** Takes a connection out that has ended, also where another node still has it, which it has left; whose it was. */
  end(entry: RosterEntry): string | undefined {
    const id = this.remove(entry)
    if (id === undefined) return undefined
    for (const { key, connection } of [...(this.#users.get(id) ?? [])])
      if (connection === entry.member) this.#remove(key)
    return id
  }

  /** As it is now; undefined where there is no connection. */
  member(id: string): Member | undefined {
    const connections = this.#of(id)
    if (connections.length === 0) return undefined
    return { id, state: stateOf(connections), connections: this.count(id) }
  }

  count(id: string): number {
    const connections = this.#of(id)
    return connections.length < 2
      ? connections.length
      : new Set(connections.map(({ connection }) => connection)).size
  }

  /** It is not there any more, and nobody takes it for being there. */
  forget(id: string): void {
    if (!this.#users.has(id)) this.#nobodies.delete(id)
  }

  #of(id: string): readonly Connection[] {
    const connections = this.#users.get(id) ?? []
    return this.#nobodies.has(id) ? connections.filter(({ connection }) => connection === id) : connections
  }

  #remove(key: string): string | undefined {
    const before = this.#connections.get(key)
    if (before === undefined) return undefined
    this.#connections.delete(key)
    const left = (this.#users.get(before.id) ?? []).filter((one) => one !== before)
    if (left.length === 0) this.#users.delete(before.id)
    else this.#users.set(before.id, left)
    return before.id
  }
}

/** The state that was set last. Of two that were set at the same time, every node has to choose the same. */
function stateOf(connections: readonly Connection[]): unknown {
  let last: Connection | undefined
  for (const one of connections) {
    if (one.state === undefined) continue
    if (last === undefined || one.at > last.at || (one.at === last.at && one.key > last.key)) last = one
  }
  return last === undefined ? NOTHING : last.state
}
