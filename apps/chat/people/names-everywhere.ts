import { type Broker, PartylineError } from 'partyline'
import type { Claim, Names } from './names.ts'

/** For how long a name is kept for somebody of whose node nothing is heard, in milliseconds. */
const LEASE = 30_000

/** How often it is tried again where a record changed under our hands. */
const ATTEMPTS = 3

/** A name of somebody on this node. */
interface Held {
  readonly claim: Claim
  /** Of the record. */
  version: string
}

/**
 * Names of people on all nodes: each is a record, which only one can write. It says whose the name is, and is renewed as long
 * as that one is here. So the names of a node that was killed are free again half a minute later.
 */
export class NamesEverywhere implements Names {
  readonly #records: Broker['records']
  readonly #held = new Map<string, Held>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor({ records }: Pick<Broker, 'records'>) {
    this.#records = records
  }

  async take(name: string, claim: Claim): Promise<boolean> {
    const version = await this.#write(name, claim.owner, null).catch((cause) => {
      throw new PartylineError(
        'UNAVAILABLE',
        'whether this name is free is not known now: try again',
        undefined,
        {
          cause,
        },
      )
    })
    if (version === undefined) return false
    this.#held.set(name, { claim, version })
    this.#timer ??= setInterval(() => this.#renewAll(), LEASE / 3)
    return true
  }

  free(name: string): void {
    const held = this.#held.get(name)
    this.#forget(name)
    if (held !== undefined) void this.#records.delete(keyOf(name), held.version)
  }

  #forget(name: string): void {
    this.#held.delete(name)
    if (this.#held.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #renewAll(): void {
    for (const [name, held] of [...this.#held]) {
      // Whose session went on elsewhere has the name there, and that node renews it.
      if (held.claim.isHeld()) void this.#renew(name, held)
      else this.#forget(name)
    }
  }

  async #renew(name: string, held: Held): Promise<void> {
    let version: string | undefined
    try {
      version = await this.#write(name, held.claim.owner, held.version)
    } catch {
      return // The broker is away. There is time to try again.
    }
    if (this.#held.get(name) !== held) {
      // Given back meanwhile, so that nobody would renew it.
      if (version !== undefined) void this.#records.delete(keyOf(name), version)
    } else if (version === undefined) {
      this.#forget(name)
      held.claim.lost()
    } else held.version = version
  }

  /** Writes whose a name is, where it is nobody's or theirs; the record's version, undefined where it is somebody else's. */
  async #write(name: string, owner: string, version: string | null): Promise<string | undefined> {
    let expected = version
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const bytes = new TextEncoder().encode(owner)
      const written = await this.#records.write(keyOf(name), bytes, { ttl: LEASE, version: expected })
      if (!written.conflict) return written.version
      const { current } = written
      if (current !== undefined && new TextDecoder().decode(current.bytes) !== owner) return undefined
      expected = current?.version ?? null
    }
    return undefined
  }
}

/** Of any two names another; JSON tells half characters apart, which UTF-8 does not. */
function keyOf(name: string): string {
  return `name:${JSON.stringify(name)}`
}
