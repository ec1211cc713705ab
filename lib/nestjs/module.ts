import { type DynamicModule, Inject, Module, type Provider as NestProvider } from '@nestjs/common'
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core'
import type { Class } from '../container/mod.ts'
import type { App } from '../core/app.ts'
import { contextOf } from '../core/context.ts'
import type { RuntimeHere } from '../runtime/create-app.ts'
import { appOf } from './app.ts'
import { GatewayHooks } from './hooks.ts'
import { gatewaysOf, type PartylineModuleAsyncOptions, type PartylineModuleOptions } from './options.ts'
import { type SharedServer, share } from './port.ts'
import { OPTIONS, PARTYLINE } from './tokens.ts'

/**
 * Serves gateways in a Nest application, on its port, beside its HTTP and its own websockets if it has any. Constructors of
 * gateways, guards, middleware and authenticators are given Nest's providers; Nest's own classes may ask for a gateway's
 * context with `@Inject(contextOf(ThatGateway))`, and for the app with `@Inject(PARTYLINE)`.
 *
 * It obeys Nest's lifecycle: gateways are built with Nest's providers, may have its hooks, and can be reached when the
 * application listens. `close()` and shutdown hooks stop the app when all hooks of `beforeApplicationShutdown` have run:
 * handlers finish, and sockets are closed with 1001, before Nest ends its HTTP server. Without HTTP, as in
 * `createApplicationContext`, the app is put together and built, and listens where `app.listen()` says.
 *
 * @throws BootError with every mistake that was found, as the application is created.
 *
 * @example
 * ```ts no-run
 * import { Injectable, Module } from '@nestjs/common'
 * import { NestFactory } from '@nestjs/core'
 * import { Gateway, On, type Socket } from 'partyline'
 * import { PartylineModule } from 'partyline/nestjs'
 *
 * @Injectable()
 * class Cats {
 *   readonly names = ['Tom']
 * }
 *
 * @Gateway('/cats')
 * class CatsGateway {
 *   constructor(private readonly cats: Cats) {}
 *
 *   @On() list(socket: Socket) {
 *     return this.cats.names
 *   }
 * }
 *
 * @Module({ imports: [PartylineModule.forRoot({ gateways: [CatsGateway] })], providers: [Cats] })
 * class AppModule {}
 *
 * const nest = await NestFactory.create(AppModule)
 * await nest.listen(3000)
 * ```
 */
export class PartylineModule {
  readonly #app: App<RuntimeHere>
  readonly #host: HttpAdapterHost

  /** Nest's business: an application imports what `forRoot` returns. */
  constructor(app: App<RuntimeHere>, host: HttpAdapterHost) {
    this.#app = app
    this.#host = host
  }

  /** For the `imports` of one module of the application, usually its root. */
  static forRoot(options: PartylineModuleOptions): DynamicModule {
    return dynamicModule({ provide: OPTIONS, useValue: options }, gatewaysOf(options))
  }

  /**
   * The same, with options that Nest's providers make.
   *
   * @example
   * ```ts
   * import { Injectable, Module } from '@nestjs/common'
   * import { Gateway } from 'partyline'
   * import { PartylineModule } from 'partyline/nestjs'
   *
   * @Gateway('/cats')
   * class CatsGateway {}
   *
   * @Injectable()
   * class Settings {
   *   readonly origins = ['https://cats.example']
   * }
   *
   * @Module({ providers: [Settings], exports: [Settings] })
   * class SettingsModule {}
   *
   * @Module({
   *   imports: [
   *     PartylineModule.forRootAsync({
   *       imports: [SettingsModule],
   *       inject: [Settings],
   *       useFactory: ({ origins }: Settings) => ({ origins }),
   *       gateways: [CatsGateway],
   *     }),
   *   ],
   * })
   * class AppModule {}
   * ```
   */
  static forRootAsync({
    imports,
    inject,
    useFactory,
    gateways = [],
  }: PartylineModuleAsyncOptions): DynamicModule {
    const useOptions = async (...dependencies: never[]): Promise<PartylineModuleOptions> => {
      const options = await useFactory(...dependencies)
      return { ...options, gateways: [...gateways, ...(options.gateways ?? [])] }
    }
    const provider = { provide: OPTIONS, useFactory: useOptions, inject: [...(inject ?? [])] as never[] }
    return dynamicModule(provider, gateways, [...(imports ?? [])] as never[])
  }

  /** Nest's: all of its providers are there. */
  async onModuleInit(): Promise<void> {
    await this.#app.ready()
  }

  /** Nest's: it listens next. */
  async onApplicationBootstrap(): Promise<void> {
    const server = this.#host.httpAdapter?.getHttpServer() as SharedServer | null | undefined
    if (server) await share(server, this.#app)
  }

  /** Nest's: of all hooks of this kind the last, since this module is global; then Nest ends its connections. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#app.stop()
  }
}

Module({})(PartylineModule)
for (const [index, asked] of [PARTYLINE, HttpAdapterHost].entries())
  Inject(asked)(PartylineModule, undefined, index)

function dynamicModule(
  options: NestProvider,
  gateways: readonly Class[],
  imports: never[] = [],
): DynamicModule {
  const app = { provide: PARTYLINE, useFactory: appOf, inject: [ModulesContainer, ModuleRef, OPTIONS] }
  const contexts = gateways.map((gateway) => ({
    provide: contextOf(gateway),
    useFactory: (app: App) => app.get(contextOf(gateway)),
    inject: [PARTYLINE],
  }))
  return {
    module: PartylineModule,
    global: true,
    imports: [...imports, GatewayHooks],
    providers: [options, app, ...contexts],
    exports: [OPTIONS, PARTYLINE, ...contexts.map(({ provide }) => provide)],
  }
}
