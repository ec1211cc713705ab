import type { ModuleRef, ModulesContainer } from '@nestjs/core'
import { inject, type Resolver, type Token } from '../container/mod.ts'
import { ifOptional } from './adopt.ts'

/** What the resolver has to know of the app that it serves. */
export interface Surroundings {
  /** The tokens that Partyline's own providers stand for. */
  ours: ReadonlySet<Token | undefined>
  /** Told of tokens that Nest has nothing for. */
  unknown(token: Token): void
}

/** Nest's container, as what stands for the tokens that no module of Partyline's provides. */
export class NestResolver implements Resolver {
  readonly #modules: ModulesContainer
  readonly #ref: ModuleRef
  readonly #around: Surroundings

  constructor(modules: ModulesContainer, ref: ModuleRef, around: Surroundings) {
    this.#modules = modules
    this.#ref = ref
    this.#around = around
  }

  has(token: Token): boolean {
    if (ifOptional(token) !== undefined) return true
    const has = this.#provides(token)
    if (!has) this.#around.unknown(token)
    return has
  }

  get(token: Token): unknown {
    const optional = ifOptional(token)
    return optional === undefined ? this.#find(token) : this.#findIfThere(optional.token)
  }

  // Without ModuleRef: as long as Nest builds its providers, that would fix for good how long they live.
  #provides(token: Token): boolean {
    return [...this.#modules.values()].some(({ providers }) => providers.has(token))
  }

  #findIfThere(token: Token | undefined): unknown {
    const isThere = token !== undefined && (this.#around.ours.has(token) || this.#provides(token))
    // Of Partyline's container, which knows which of the two comes first.
    return isThere ? inject(token) : undefined
  }

  #find(token: Token): unknown {
    try {
      return this.#ref.get(token as never, { strict: false })
    } catch (error) {
      if ((error as Error).constructor.name !== 'InvalidClassScopeException') throw error
      throw new Error(
        'Nest makes one for each request or for each who asks, and gateways live without requests. Give it, and all that it ' +
          `needs, Nest's default scope; or list one of Partyline's in the "providers" of PartylineModule.`,
        { cause: error },
      )
    }
  }
}
