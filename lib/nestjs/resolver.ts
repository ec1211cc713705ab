import type { ModuleRef, ModulesContainer } from '@nestjs/core'
import type { Resolver, Token } from '../container/mod.ts'

/** Nest's container, as what stands for the tokens that no module of Partyline's provides. */
export class NestResolver implements Resolver {
  readonly #modules: ModulesContainer
  readonly #ref: ModuleRef
  readonly #unknown: (token: Token) => void

  /** `unknown` is told of tokens that Nest has nothing for. */
  constructor(modules: ModulesContainer, ref: ModuleRef, unknown: (token: Token) => void) {
    this.#modules = modules
    this.#ref = ref
    this.#unknown = unknown
  }

  // Without ModuleRef: as long as Nest builds its providers, that would fix for good how long they live.
  has(token: Token): boolean {
    const has = [...this.#modules.values()].some(({ providers }) => providers.has(token))
    if (!has) this.#unknown(token)
    return has
  }

  get(token: Token): unknown {
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
