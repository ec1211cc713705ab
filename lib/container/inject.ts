import { type Token, tokenName } from './provider.ts'

type Resolve = (token: Token) => unknown

let building: Resolve | undefined

/** Runs a construction during which `inject()` asks `resolve`. */
export function whileBuilding<T>(resolve: Resolve, construct: () => T): T {
  const outer = building
  building = resolve
  try {
    return construct()
  } finally {
    building = outer
  }
}

/**
 * What a token stands for; for field initialisers and constructors of what the container builds.
 *
 * @throws Error when called at any other time: there is no container to ask then.
 *
 * @example
 * ```ts
 * import { Gateway, inject, Injectable, On, type Socket } from 'partyline'
 *
 * @Injectable()
 * class Dice {
 *   roll = () => 1 + Math.floor(Math.random() * 6)
 * }
 *
 * @Gateway('/dice')
 * class Table {
 *   readonly #dice = inject(Dice)
 *
 *   @On() roll(socket: Socket) {
 *     return this.#dice.roll()
 *   }
 * }
 * ```
 */
export function inject<T>(token: Token<T>): T {
  if (building === undefined) {
    throw new Error(
      `inject(${tokenName(token)}) was called outside of a construction: use it in field initialisers and constructors ` +
        `of classes that the container builds, and app.get(${tokenName(token)}) elsewhere.`,
    )
  }
  return building(token) as T
}
