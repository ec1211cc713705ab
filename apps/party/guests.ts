import { Injectable } from 'partyline'

/** Who is at the party, by the id of their socket. */
@Injectable()
export class GuestList {
  readonly #names = new Map<string, string>()

  /** Lets a guest in; returns how many there are now. */
  add(id: string, name: string): number {
    this.#names.set(id, name)
    return this.#names.size
  }

  /** The id of the guest who came in first of those who are still here. */
  get first(): string | undefined {
    return this.#names.keys().next().value
  }

  nameOf(id: string): string | undefined {
    return this.#names.get(id)
  }

  /** Sees a guest off; returns the name, if it was one. */
  remove(id: string): string | undefined {
    const name = this.#names.get(id)
    this.#names.delete(id)
    return name
  }
}
