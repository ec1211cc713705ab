import type { AnyClass, Class } from '../container/mod.ts'
import { flatten } from '../core/modules.ts'
import type { AppOptions } from '../core/options.ts'
import { type DynamicModule, Module } from '../decorators/module.ts'

/** What Partyline serves in a Nest application, and the options of `createApp` that are not the host's own business. */
export interface PartylineModuleOptions extends Omit<AppOptions, 'resolver' | 'fetch' | 'clientScript'> {
  /** The gateways to serve. Their constructors, and those of guards, middleware and authenticators, may ask for Nest's providers. */
  gateways?: readonly Class[]
  /** Partyline's own modules, as they are. */
  imports?: readonly (AnyClass | DynamicModule)[]
  /** Providers of Partyline's own. They come before Nest's, and replace those of the same token in Partyline's modules. */
  providers?: AppOptions['providers']
  /** Default: Nest's `Logger`, with the context `Partyline`. */
  logger?: AppOptions['logger']
}

/** How `forRootAsync` finds the options. */
export interface PartylineModuleAsyncOptions {
  /** Nest modules whose providers are injected into the factory. */
  imports?: readonly unknown[]
  /** Tokens of what the factory is given. */
  inject?: readonly unknown[]
  /** Makes the options. */
  useFactory(...dependencies: never[]): PartylineModuleOptions | Promise<PartylineModuleOptions>
  /** Gateways whose contexts Nest's providers may ask for; they are served as if the factory had named them. */
  gateways?: readonly Class[]
}

/** What the options say, as a module of Partyline's; mistakes name it as people know it. */
const Root = class PartylineModule {}
Module({})(Root)

/** The root of the app that the options describe. */
export function rootOf({ gateways = [], imports = [] }: PartylineModuleOptions): DynamicModule {
  return { module: Root, gateways, imports }
}

/** All gateways of that app, those of imported modules too. */
export function gatewaysOf(options: PartylineModuleOptions): Class[] {
  // What is wrong with them is told where the app is put together.
  const problems = ['not looked at']
  return flatten(rootOf(options), problems).gateways.map(({ gateway }) => gateway)
}
