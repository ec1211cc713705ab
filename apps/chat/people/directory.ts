import { Injectable, PartylineError, type Socket } from 'partyline'

/** What is kept about a client: the name, from signing in to the end of the connection. */
export interface Person {
  name?: string
}

/** Who is signed in. A name belongs to one client at a time. */
@Injectable()
export class Directory {
  readonly #taken = new Set<string>()

  nameOf({ data }: Socket<Person>): string | undefined {
    return data.name
  }

  /** @throws PartylineError ALREADY_SIGNED_IN, NAME_TAKEN */
  signIn(socket: Socket<Person>, name: string): void {
    if (socket.data.name !== undefined)
      throw new PartylineError('ALREADY_SIGNED_IN', 'you are signed in already: "rename" changes your name')
    this.#take(name)
    socket.data.name = name
  }

  /**
   * Gives a person another name; returns the one before it.
   *
   * @throws PartylineError NAME_TAKEN
   */
  rename(socket: Socket<Person>, name: string): string {
    const was = socket.data.name ?? name
    if (name === was) return was
    this.#take(name)
    this.#taken.delete(was)
    socket.data.name = name
    return was
  }

  /** Gives the name back. The socket still says who it was, for those who hear of its end later. */
  signOut({ data }: Socket<Person>): void {
    if (data.name !== undefined) this.#taken.delete(data.name)
  }

  #take(name: string): void {
    if (this.#taken.has(name))
      throw new PartylineError('NAME_TAKEN', 'somebody here has that name: choose another')
    this.#taken.add(name)
  }
}
