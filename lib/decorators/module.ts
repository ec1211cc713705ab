import type { AnyClass, Class } from '../container/class.ts'
import type { Provider } from '../container/provider.ts'
import { type ClassContext, inBothDialects } from './dialect.ts'
import { ClassTag } from './tags.ts'

/** What a module brings. All modules of an app share one container. */
export interface ModuleOptions {
  /** Modules that this one needs. */
  imports?: readonly (AnyClass | DynamicModule)[]
  /** What the container can inject. */
  providers?: readonly Provider[]
  /** Gateway classes to serve. */
  gateways?: readonly Class[]
}

/** A module with options of the moment, as `forRoot()` style functions return. */
export interface DynamicModule extends ModuleOptions {
  /** The `@Module` class that these options add to. */
  module: AnyClass
}

export const moduleTag: ClassTag<ModuleOptions> = new ClassTag('@Module()')

/**
 * Groups gateways and providers, and what they need of other modules.
 *
 * @example
 * ```ts
 * import { Module } from 'partyline'
 *
 * @Module({ providers: [{ provide: 'motd', useValue: 'Welcome!' }] })
 * class GreetingModule {}
 *
 * @Module({ imports: [GreetingModule] })
 * class AppModule {}
 * ```
 */
export function Module(options: ModuleOptions = {}): (target: AnyClass, context?: ClassContext) => void {
  return inBothDialects(moduleTag.decorator, { class: (target) => moduleTag.set(target, options) })
}
