import { recordParameters } from '../container/parameters.ts'
import { declareScope, type Scope } from '../container/provider.ts'
import { type InjectedDecorator, inBothDialects } from './dialect.ts'

/** Options of `@Injectable`. */
export interface InjectableOptions {
  /** How long an instance lives. Default `app`. */
  scope?: Scope
}

/**
 * Marks a class that the container may build and inject: its constructor's parameters are resolved by their types, or by
 * the tokens that it lists as `static inject`.
 * An instance with a `dispose` method is disposed, and awaited, when its scope ends.
 *
 * @example
 * ```ts
 * import { Injectable } from 'partyline'
 *
 * @Injectable()
 * class GuestList {
 *   readonly names: string[] = []
 * }
 * ```
 */
export function Injectable(options: InjectableOptions = {}): InjectedDecorator {
  return inBothDialects('@Injectable()', {
    class(target) {
      declareScope(target, options.scope ?? 'app')
      recordParameters(target)
    },
  })
}
