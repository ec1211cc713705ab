import { type AnyClass, BootError, type Class, type Provider } from '../container/mod.ts'
import { gatewayTag } from '../decorators/gateway.ts'
import { type DynamicModule, type ModuleOptions, moduleTag } from '../decorators/module.ts'

/** What an app is made from: a gateway, a module, or several of them. */
export type Root = AnyClass | DynamicModule | readonly (AnyClass | DynamicModule)[]

/** All that the modules of an app bring, each with the module that listed it. */
export interface Parts {
  gateways: { gateway: Class; origin: string }[]
  providers: { provider: Provider; origin: string }[]
}

/** Who lists what no module lists. */
const ROOT = 'createApp'

/** Follows the imports of modules from the root, each module once; mistakes go to `problems`. */
export function flatten(root: Root, problems: string[]): Parts {
  const parts: Parts = { gateways: [], providers: [] }
  const seen = new Set<AnyClass | DynamicModule>()
  const path: AnyClass[] = []

  function addGateway(gateway: Class, origin: string): void {
    if (typeof gateway !== 'function') {
      problems.push(
        `a gateway of ${origin} is ${String(gateway)}: a missing import, or two files that import each other.`,
      )
    } else if (gatewayTag.get(gateway) === undefined) {
      problems.push(
        `${gateway.name} in the "gateways" of ${origin} is no gateway: mark it with @Gateway('/path').`,
      )
    } else if (!parts.gateways.some((one) => one.gateway === gateway)) {
      parts.gateways.push({ gateway, origin })
    }
  }

  function addParts(options: ModuleOptions, origin: string): void {
    for (const provider of options.providers ?? []) parts.providers.push({ provider, origin })
    for (const gateway of options.gateways ?? []) addGateway(gateway, origin)
  }

  function visit(entry: AnyClass | DynamicModule, importer: string): void {
    const dynamic = isDynamic(entry) ? entry : undefined
    const module = isDynamic(entry) ? entry.module : entry
    if (typeof module !== 'function') {
      const what = importer === ROOT ? `what ${ROOT} is given` : `an import of ${importer}`
      problems.push(`${what} is ${String(module)}: a missing import, or two files that import each other.`)
      return
    }
    if (dynamic === undefined && gatewayTag.get(module) !== undefined)
      return addGateway(module as Class, importer)
    const options = moduleTag.get(module)
    if (options === undefined && dynamic === undefined) {
      problems.push(
        `${module.name}, given to ${importer}, is neither a @Module() nor a @Gateway('/path'): mark it with one of them.`,
      )
      return
    }
    const start = path.indexOf(module)
    if (start >= 0) {
      const cycle = [...path.slice(start), module].map((one) => one.name).join(' → ')
      problems.push(
        `the modules ${cycle} import each other in a circle: move what they share to a module of its own.`,
      )
      return
    }
    path.push(module)
    if (options !== undefined && !seen.has(module)) {
      seen.add(module)
      for (const one of options.imports ?? []) visit(one, module.name)
      addParts(options, module.name)
    }
    if (dynamic !== undefined && !seen.has(dynamic)) {
      seen.add(dynamic)
      for (const one of dynamic.imports ?? []) visit(one, module.name)
      addParts(dynamic, module.name)
    }
    path.pop()
  }

  for (const entry of isList(root) ? root : [root]) visit(entry, ROOT)
  if (problems.length === 0 && parts.gateways.length === 0) {
    throw new BootError([
      'the app has no gateway: list one in the "gateways" of a module, or give one to createApp.',
    ])
  }
  return parts
}

function isDynamic(entry: AnyClass | DynamicModule): entry is DynamicModule {
  return typeof entry === 'object' && entry !== null
}

function isList(root: Root): root is readonly (AnyClass | DynamicModule)[] {
  return Array.isArray(root)
}
