import { type NamedToken, token } from '../container/mod.ts'
import type { App } from '../core/app.ts'
import type { RuntimeHere } from '../runtime/create-app.ts'

/**
 * Stands for the app in Nest's container.
 *
 * @example
 * ```ts
 * import { Controller, Get, Inject } from '@nestjs/common'
 * import type { App } from 'partyline'
 * import { PARTYLINE } from 'partyline/nestjs'
 *
 * @Controller('stats')
 * class StatsController {
 *   constructor(@Inject(PARTYLINE) private readonly app: App) {}
 *
 *   @Get() stats() {
 *     return this.app.stats()
 *   }
 * }
 * ```
 */
export const PARTYLINE: NamedToken<App<RuntimeHere>> = token('the Partyline app')

/** Stands for the options of `PartylineModule`, within Nest's container. */
export const OPTIONS: unique symbol = Symbol("PartylineModule's options")
