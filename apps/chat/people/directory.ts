import { closeCodes, Inject, Injectable, PartylineError, type Socket } from 'partyline'
import { type Claim, NAMES, type Names } from './names.ts'

/** What is kept about a client: the name, from signing in to the end of the connection. */
export interface Person {
  name?: string
}

/** Who is signed in. A name belongs to one client at a time. */
@Injectable()
export class Directory {
  /** Who has signed out. */
  readonly #gone = new WeakSet<Socket<Person>>()

  constructor(@Inject(NAMES) private readonly names: Names) {}

  nameOf({ data }: Socket<Person>): string | undefined {
    return data.name
  }

  /** @throws PartylineError ALREADY_SIGNED_IN, NAME_TAKEN, UNAVAILABLE */
  async signIn(socket: Socket<Person>, name: string): Promise<void> {
    if (socket.data.name !== undefined)
      throw new PartylineError('ALREADY_SIGNED_IN', 'you are signed in already: "rename" changes your name')
    await this.#take(socket, name)
    socket.data.name = name
  }

  /**
   * Gives a person another name; returns the one before it.
   *
   * @throws PartylineError NAME_TAKEN, UNAVAILABLE
   */
  async rename(socket: Socket<Person>, name: string): Promise<string> {
    const was = socket.data.name ?? name
    if (name === was) return was
    await this.#take(socket, name)
    this.names.free(was)
    socket.data.name = name
    return was
  }

  /** A client goes on with a session that may have been another node's: from now on the name is kept from here. */
  async comeBack(socket: Socket<Person>): Promise<void> {
    const { name } = socket.data
    if (name === undefined) return
    const claim = this.#claimOf(socket)
    if (!(await this.names.take(name, claim))) claim.lost()
    else if (this.#gone.has(socket)) this.names.free(name)
  }

  /** Gives the name back. The socket still says who it was, for those who hear of its end later. */
  signOut(socket: Socket<Person>): void {
    this.#gone.add(socket)
    if (socket.data.name !== undefined) this.names.free(socket.data.name)
  }

  async #take(socket: Socket<Person>, name: string): Promise<void> {
    if (!(await this.names.take(name, this.#claimOf(socket))))
      throw new PartylineError('NAME_TAKEN', 'somebody here has that name: choose another')
    // Whoever has gone meanwhile gives nothing back any more.
    if (!this.#gone.has(socket)) return
    this.names.free(name)
    throw new PartylineError('DISCONNECTED', 'whoever wanted this name has gone')
  }

  #claimOf(socket: Socket<Person>): Claim {
    return {
      owner: socket.id,
      isHeld: () => socket.connected || socket.suspended,
      // Its client is told to come again, and then to choose another name.
      lost: () => socket.close(closeCodes.restart.code, 'somebody else has your name now'),
    }
  }
}
