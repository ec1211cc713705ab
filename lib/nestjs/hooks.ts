import { Inject, Module } from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import type { Class } from '../container/mod.ts'
import type { App } from '../core/app.ts'
import { type GatewayTag, gatewayTag } from '../decorators/gateway.ts'
import { gatewaysOf, type PartylineModuleOptions } from './options.ts'
import { OPTIONS, PARTYLINE } from './tokens.ts'

/** What Nest calls on those who want to know. */
type Hook =
  | 'onModuleInit'
  | 'onApplicationBootstrap'
  | 'onModuleDestroy'
  | 'beforeApplicationShutdown'
  | 'onApplicationShutdown'

/** A module of Nest's that hands its lifecycle hooks on to gateways: those that live as long as the app. */
export class GatewayHooks {
  readonly #app: App
  readonly #gateways: readonly Class[]
  #isStarted = false

  constructor(app: App, options: PartylineModuleOptions, modules: ModulesContainer) {
    this.#app = app
    this.#gateways = gatewaysOf(options).filter(livesPerApp)
    // Nest begins with the modules that are farthest from the root, and ends with them. Gateways may need any provider, so
    // theirs come after all others when the application starts, and before them when it ends.
    for (const module of modules.values()) if (module.metatype === GatewayHooks) module.distance = -1
  }

  async onModuleInit(): Promise<void> {
    this.#isStarted = true
    for (const gateway of this.#gateways) await this.#tell(gateway, 'onModuleInit')
  }

  async onApplicationBootstrap(): Promise<void> {
    for (const gateway of this.#gateways) await this.#tell(gateway, 'onApplicationBootstrap')
  }

  async onModuleDestroy(): Promise<void> {
    await this.#takeLeave('onModuleDestroy')
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    await this.#takeLeave('beforeApplicationShutdown', signal)
  }

  async onApplicationShutdown(signal?: string): Promise<void> {
    await this.#takeLeave('onApplicationShutdown', signal)
  }

  /** Tells all, whatever some of them throw. */
  async #takeLeave(hook: Hook, signal?: string): Promise<void> {
    // Where the start failed they may never have been built.
    if (!this.#isStarted) return
    const failures: unknown[] = []
    for (const gateway of this.#gateways.toReversed())
      await this.#tell(gateway, hook, signal).catch((error: unknown) => failures.push(error))
    if (failures.length > 1) throw new AggregateError(failures, `${hook} of several gateways failed`)
    if (failures.length > 0) throw failures[0]
  }

  async #tell(gateway: Class, hook: Hook, signal?: string): Promise<void> {
    const instance = this.#app.get(gateway) as Partial<Record<Hook, (signal?: string) => unknown>>
    await instance[hook]?.(signal)
  }
}

Module({})(GatewayHooks)
for (const [index, asked] of [PARTYLINE, OPTIONS, ModulesContainer].entries())
  Inject(asked)(GatewayHooks, undefined, index)

function livesPerApp(gateway: Class): boolean {
  const { options } = gatewayTag.get(gateway) as GatewayTag
  return (options.scope ?? 'app') === 'app'
}
