import { BootError } from './error.ts'
import { type Scope, scopes, type Token, tokenName } from './provider.ts'
import type { Definition, Dependency, Registry } from './registry.ts'

/**
 * Follows what every definition needs, and finds what cannot be met: unknown tokens, cycles, and long-lived instances
 * that need shorter-lived ones. Returns the definitions in an order in which they can be built.
 *
 * @throws BootError with all that was found.
 */
export function checkGraph(registry: Registry, hints: ReadonlyMap<Token, string>): Definition[] {
  const problems: string[] = []
  const done = new Set<Definition>()
  const path: Definition[] = []

  function visit(definition: Definition): void {
    if (done.has(definition)) return
    path.push(definition)
    for (const dependency of definition.dependencies) follow(definition, dependency)
    path.pop()
    done.add(definition)
  }

  function follow(definition: Definition, dependency: Dependency): void {
    const { token, optional, lazy } = dependency
    if (definition.own.has(token)) return
    // What is asked for later is looked at in its own turn: the loop below goes on to what is added meanwhile.
    if (lazy) return void attempt(() => registry.find(token, definition.origin))
    const needed = attempt(() => registry.find(token, definition.origin))
    if (needed === undefined) {
      if (!optional && !registry.isForeign(token)) problems.push(unresolvable(dependency, trail(path), hints))
      return
    }
    const start = path.indexOf(needed)
    if (start >= 0) {
      const cycle = [...path.slice(start), needed].map((one) => tokenName(one.token)).join(' → ')
      problems.push(
        `${cycle} is a cycle of dependencies. Let one of them ask later: @Inject(delay(() => …)) of tsyringe.`,
      )
      return
    }
    visit(needed)
    if (lifetime(registry, needed) !== undefined && outlives(registry, definition, needed)) {
      problems.push(captive(definition, needed, lifetime(registry, needed) as Scope))
    }
  }

  function attempt<T>(find: () => T): T | undefined {
    try {
      return find()
    } catch (error) {
      if (!(error instanceof BootError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }

  for (const definition of registry.definitions.values()) visit(definition)
  if (problems.length > 0) throw new BootError([...new Set(problems)])
  return [...done]
}

/** All that a definition needs, in an order in which it can be built, itself last. */
export function closure(registry: Registry, definition: Definition): Definition[] {
  const found = new Set<Definition>()
  const visit = (one: Definition): void => {
    if (found.has(one)) return
    for (const { token, lazy } of one.dependencies) {
      const needed = lazy ? undefined : registry.definitions.get(token)
      if (needed !== undefined) visit(needed)
    }
    found.add(one)
  }
  visit(definition)
  return [...found]
}

/** The scope of what a definition leads to; another name lives as long as what it stands for. */
function lifetime(registry: Registry, definition: Definition): Scope | undefined {
  if (definition.source.kind !== 'existing') return definition.scope
  const target = registry.definitions.get(definition.source.token)
  return target === undefined ? undefined : lifetime(registry, target)
}

function outlives(registry: Registry, definition: Definition, needed: Definition): boolean {
  const [own, other] = [definition.scope, lifetime(registry, needed) as Scope]
  return scopes.indexOf(own) < scopes.indexOf(other)
}

function captive(definition: Definition, needed: Definition, scope: Scope): string {
  const [owner, name] = [tokenName(definition.token), tokenName(needed.token)]
  return (
    `${owner} lives per ${definition.scope} but needs ${name}, which lives per ${scope}: it would keep the first one ` +
    `for ever. Give ${owner} the scope '${scope}', or ${name} the scope '${definition.scope}'.`
  )
}

/** `GuestList ← PartyGateway ← AppModule`: from what is needed to who listed its user. */
function trail(path: readonly Definition[]): string {
  const names = path.map((one) => tokenName(one.token)).toReversed()
  return [...names, path[0]?.origin].join(' ← ')
}

function unresolvable({ token, place }: Dependency, path: string, hints: ReadonlyMap<Token, string>): string {
  const head = `cannot resolve ${tokenName(token)} ← ${path}: ${place}`
  if (token === undefined) {
    return `${head} has no type at run time: two files that import each other, or a missing import. Use @Inject(token).`
  }
  const hint = hints.get(token)
  if (hint !== undefined) return `${head}: ${hint}`
  if (isTypeless(token)) {
    return `${head} is typed by an interface or a built-in, which stands for nothing at run time. Use @Inject(token).`
  }
  return `${head} asks for ${tokenName(token)}, which nobody provides. Add it to the "providers" of a module.`
}

function isTypeless(token: Token): boolean {
  return typeof token === 'function' && !/^class\b/.test(Function.prototype.toString.call(token))
}
