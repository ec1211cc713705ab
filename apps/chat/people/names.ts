import { Injectable, token } from 'partyline'

/** Which names are taken. */
export interface Names {
  /**
   * Takes a name; false where somebody else has it. Again, by the same owner, it is theirs.
   *
   * @throws PartylineError UNAVAILABLE where that cannot be known now.
   */
  take(name: string, claim: Claim): boolean | Promise<boolean>
  /** Gives one back. */
  free(name: string): void
}

/** Whose a name is. */
export interface Claim {
  /** The id of the socket, which is one on all nodes. */
  readonly owner: string
  /** Whether it is still the owner's, as far as this node has to do with it. */
  isHeld(): boolean
  /** Somebody else has it, since this node was cut off from the others for too long. */
  lost(): void
}

export const NAMES = token<Names>('NAMES')

/** Names of people on this node, where there are no others. */
@Injectable()
export class NamesHere implements Names {
  readonly #owners = new Map<string, string>()

  take(name: string, { owner }: Claim): boolean {
    const before = this.#owners.get(name) ?? owner
    this.#owners.set(name, before)
    return before === owner
  }

  free(name: string): void {
    this.#owners.delete(name)
  }
}
