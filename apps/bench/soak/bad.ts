import { Child } from './child.ts'
import { SoakClient } from './client.ts'
import { hostilities } from './hostile.ts'
import { many } from './many.ts'
import { type Beginning, beginnings, Unfinished } from './unfinished.ts'

/** How many kinds of them there are. */
export const kinds = hostilities.length + beginnings.length

/** Those who do harm, those who are gone, and those who never really came. */
export class Bad {
  readonly #vanishing: Child
  readonly #clients: readonly SoakClient[]
  readonly #unfinished: ReadonlyMap<Beginning, Unfinished[]>

  private constructor(vanishing: Child, clients: SoakClient[], unfinished: Map<Beginning, Unfinished[]>) {
    this.#vanishing = vanishing
    this.#clients = clients
    this.#unfinished = unfinished
  }

  /** So many of each kind, which begin at once. */
  static async open(port: number, perKind: number): Promise<Bad> {
    const vanishing = new Child('vanishing.ts', port, perKind)
    await vanishing.ready()
    vanishing.freeze()
    const unfinished = new Map<Beginning, Unfinished[]>()
    for (const kind of beginnings)
      unfinished.set(kind, await many(perKind, () => Unfinished.open(port, kind)))
    const clients: SoakClient[] = []
    for (const { name, greeted, begin } of hostilities) {
      if (begin === undefined) continue
      const some = await many(perKind, () => SoakClient.open(port, name, greeted))
      for (const client of some) begin(client)
      clients.push(...some)
    }
    return new Bad(vanishing, clients, unfinished)
  }

  /** Those of one kind that never finish their handshake. */
  unfinished(kind: Beginning): readonly Unfinished[] {
    return this.#unfinished.get(kind) ?? []
  }

  leave(): void {
    this.#vanishing.end()
    for (const client of this.#clients) client.vanish()
    for (const one of [...this.#unfinished.values()].flat()) one.leave()
  }
}
