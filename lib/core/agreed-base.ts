import type { Broker } from '../broker/broker.ts'
import { ENTRIES } from './places.ts'

/** For how long is remembered from where positions are counted when no node is there any more, in milliseconds. */
const MEMORY = 48 * 60 * 60_000

/** What the nodes have to agree about a gateway's stream. */
export interface BaseParts {
  readonly broker: Broker
  /** The gateway's path. */
  readonly path: string
  /** Appends an entry that says nothing; resolves with its position. */
  tick(): Promise<number>
}

/**
 * From where the positions of a gateway are counted, which all of its nodes agree about: the first one says it, in a record, and a
 * later one where those positions become too large.
 */
export class AgreedBase {
  readonly #parts: BaseParts
  readonly #key: string

  constructor(parts: BaseParts) {
    this.#parts = parts
    this.#key = `base:${parts.path}`
  }

  /** Resolves with it; rejects where the broker is out of reach. */
  async agree(): Promise<number> {
    const { records } = this.#parts.broker
    const known = await records.read(this.#key)
    // So is it known how far the stream is, which may not have begun.
    const now = await this.#parts.tick()
    const base = known && baseIn(known.bytes)
    if (known !== undefined && base !== undefined && base < now && now - base < ENTRIES) {
      await records.touch(this.#key, MEMORY)
      return base
    }
    const written = await records.write(this.#key, bytesOf(now - 1), {
      ttl: MEMORY,
      version: known?.version ?? null,
    })
    if (!written.conflict) return now - 1
    return this.agree()
  }

  /** Sees to it that it is remembered; false where the others have another one by now. Rejects as `agree`. */
  async holds(base: number): Promise<boolean> {
    const { records } = this.#parts.broker
    const written = await records.write(this.#key, bytesOf(base), { ttl: MEMORY, version: null })
    if (!written.conflict) return true
    if (written.current === undefined || baseIn(written.current.bytes) !== base) return false
    await records.touch(this.#key, MEMORY)
    return true
  }
}

function bytesOf(base: number): Uint8Array {
  return new TextEncoder().encode(String(base))
}

function baseIn(bytes: Uint8Array): number | undefined {
  const base = Number(new TextDecoder().decode(bytes))
  return Number.isSafeInteger(base) && base >= 0 ? base : undefined
}
