import type { ModuleRef, ModulesContainer } from '@nestjs/core'
import { BootError, collectInto, type Token } from '../container/mod.ts'
import type { App } from '../core/app.ts'
import { contextOf } from '../core/context.ts'
import { flatten } from '../core/modules.ts'
import { withoutTrace } from '../protocol/error.ts'
import { createApp, type RuntimeHere } from '../runtime/create-app.ts'
import { NodeRuntime } from '../runtime/node.ts'
import { adopt } from './adopt.ts'
import { leftovers } from './leftovers.ts'
import { NestLogger } from './logger.ts'
import { type PartylineModuleOptions, rootOf } from './options.ts'
import { NestResolver } from './resolver.ts'
import { OPTIONS } from './tokens.ts'

/** Under which Nest keeps that a class carries its `@Injectable()`. */
const INJECTABLE = '__injectable__'

/**
 * Puts the app together that the options describe, with Nest's container behind its own.
 *
 * @throws BootError with every mistake that was found.
 */
export function appOf(
  modules: ModulesContainer,
  ref: ModuleRef,
  options: PartylineModuleOptions,
): App<RuntimeHere> {
  const { gateways: _, imports: __, ...rest } = options
  const problems = importedTwice(modules)
  const { gateways, providers } = flatten(rootOf(options), problems)
  for (const { gateway } of gateways) problems.push(...leftovers(gateway), ...misplaced(gateway, modules))
  const ours = [
    ...gateways.map(({ gateway }) => gateway),
    ...providers.map(({ provider }) => provider),
    ...(rest.providers ?? []),
  ]
  for (const one of ours)
    problems.push(...adopt(typeof one === 'object' && 'useClass' in one ? one.useClass : one))

  const attempt = collectInto(problems)
  const tokens = ours.map((one) => (typeof one === 'object' ? one.provide : one))
  const contexts = gateways.map(({ gateway }) => contextOf(gateway))
  const resolver = new NestResolver(modules, ref, {
    ours: new Set<Token>([...tokens, ...contexts]),
    unknown: adoptUnasked,
  })
  const app = attempt(() =>
    createApp(rootOf(options), { logger: new NestLogger(), ...rest, resolver, runtime: NodeRuntime }),
  )
  if (app !== undefined && problems.length === 0) return app
  throw withoutTrace(() => new BootError([...new Set(problems)]))
}

/** For a class that nobody listed, such as a guard: Partyline builds it, unless it is marked as one that Nest builds. */
function adoptUnasked(token: Token): void {
  const problems = adopt(token)
  if (typeof token === 'function' && Reflect.hasOwnMetadata(INJECTABLE, token)) {
    problems.push(
      `${token.name} is marked with Nest's @Injectable(), and no module of Nest's provides it. Add it to the "providers" of ` +
        'one; or to those of PartylineModule, to have Partyline build it.',
    )
  }
  if (problems.length > 0) throw new BootError(problems)
}

function importedTwice(modules: ModulesContainer): string[] {
  const imported = [...modules.values()].filter(({ providers }) => providers.has(OPTIONS))
  if (imported.length < 2) return []
  return [
    `PartylineModule.forRoot() is imported ${imported.length} times, and each would be an app of its own. Import it once, with ` +
      'all gateways, in the root module of the application.',
  ]
}

/** Nest would build a gateway of its own, which serves nobody. */
function misplaced(gateway: { name: string }, modules: ModulesContainer): string[] {
  const [owner] = [...modules.values()].filter(({ providers }) => providers.has(gateway as never))
  if (owner === undefined) return []
  return [
    `${gateway.name} is among the providers of Nest's module ${owner.name}, which would make a second one that serves nobody. ` +
      `Take it out there: what needs the gateway asks for contextOf(${gateway.name}).`,
  ]
}
