import { isClass } from './class.ts'
import { BootError, collectInto } from './error.ts'
import { type Scope, scopes, type Token, tokenName } from './provider.ts'
import type { Definition, Dependency, Registry } from './registry.ts'
import { untyped } from './untyped.ts'

/**
 * Follows what every definition needs, and finds what cannot be met: unknown tokens, cycles, and long-lived instances
 * that need shorter-lived ones. Returns the definitions in an order in which they can be built.
 *
 * @throws BootError with all that was found.
 */
export function checkGraph(registry: Registry): Definition[] {
  const problems: string[] = []
  const done = new Set<Definition>()
  const path: Definition[] = []
  const attempt = collectInto(problems)

  function visit(definition: Definition): void {
    if (done.has(definition)) return
    problems.push(...registry.rule(definition))
    path.push(definition)
    for (const dependency of definition.dependencies) follow(definition, dependency)
    path.pop()
    done.add(definition)
  }

  function follow(definition: Definition, dependency: Dependency): void {
    const { token, optional, lazy } = dependency
    if (definition.own.has(token)) return
    // What is asked for later is looked at in its own turn: the loop below goes on to what is added meanwhile.
    if (lazy) return void attempt(() => registry.find(token, tokenName(definition.token)))
    const told = problems.length
    const needed = attempt(() => registry.find(token, tokenName(definition.token)))
    if (needed === undefined) {
      const isMissing = problems.length === told && !optional && !registry.isForeign(token)
      if (isMissing) problems.push(unresolvable(registry, dependency, path))
      return
    }
    const start = path.indexOf(needed)
    if (start >= 0) {
      const cycle = [...path.slice(start), needed].map((one) => tokenName(one.token)).join(' → ')
      problems.push(
        `${cycle} is a cycle of dependencies. Move what they share to a class of its own, or let one of them ask later, ` +
          `by tsyringe's delay(() => …) in its @inject or its static inject.`,
      )
      return
    }
    visit(needed)
    if (lifetime(registry, needed) !== undefined && outlives(registry, definition, needed)) {
      problems.push(captive(definition, needed, lifetime(registry, needed) as Scope))
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

/** A definition, one that needs it, one that needs that, and so on to one that no other needs. */
export function needersOf(registry: Registry, definition: Definition): Definition[] {
  const path = [definition]
  const needs = (one: Definition, token: Token): boolean =>
    !one.own.has(token) &&
    one.dependencies.some((dependency) => !dependency.lazy && dependency.token === token)
  for (let at: Definition | undefined = definition; at !== undefined; ) {
    const { token }: Definition = at
    at = [...registry.definitions.values()].find((one) => !path.includes(one) && needs(one, token))
    if (at !== undefined) path.push(at)
  }
  return path
}

/** The scope of what a definition leads to; another name lives as long as what it stands for, if that is anything. */
function lifetime(registry: Registry, definition: Definition): Scope | undefined {
  const names = new Set<Definition>()
  let at: Definition | undefined = definition
  while (at?.source.kind === 'existing' && !names.has(at)) {
    names.add(at)
    at = registry.definitions.get(at.source.token)
  }
  return at?.source.kind === 'existing' ? undefined : at?.scope
}

function outlives(registry: Registry, definition: Definition, needed: Definition): boolean {
  const [own, other] = [definition.scope, lifetime(registry, needed) as Scope]
  return scopes.indexOf(own) < scopes.indexOf(other)
}

function captive(definition: Definition, needed: Definition, scope: Scope): string {
  const [owner, name] = [tokenName(definition.token), tokenName(needed.token)]
  return (
    `${owner} lives per ${definition.scope} but needs ${name}, which lives per ${scope}: it would keep the first one ` +
    `for ever. ${sameScope(definition, needed, scope)}`
  )
}

/** What to do where `owner` lives longer than `needed`, which lives per `scope`. */
export function sameScope(owner: Definition, needed: Definition, scope: Scope): string {
  const advice = `Give ${tokenName(owner.token)} the scope '${scope}'`
  if (needed.source.kind === 'given') return `${advice}.`
  return `${advice}, or ${tokenName(needed.token)} the scope '${owner.scope}'.`
}

/** `GuestList ← PartyGateway ← AppModule`: from what is needed to who listed its user. */
function trail(token: Token, path: readonly Definition[]): string {
  const names = [token, ...path.map((one) => one.token).toReversed()].map(tokenName)
  return [...names, ...path.slice(0, 1).map((one) => one.origin)].join(' ← ')
}

/** Why nothing stands for a token, and what to do about it; `path` leads to who asks for it, who asks last. */
export function unresolvable(
  registry: Registry,
  { token, place }: Pick<Dependency, 'token' | 'place'>,
  path: readonly Definition[],
): string {
  const head = `cannot resolve ${trail(token, path)}: ${place}`
  if (token === undefined)
    return `${head} asks for undefined: a missing import, or two files that import each other.`
  const hint = registry.hint(token, path.at(-1))
  if (hint !== undefined) return `${head} asks for it, but ${hint}`
  if (typeof token !== 'function')
    return `${head} asks for ${tokenName(token)}, which nobody provides. Add it to the "providers" of a module.`
  if (!isClass(token)) {
    return (
      `${head} has a type that stands for nothing at run time: an interface, a built-in, or a class that is imported ` +
      `with "import type". Import the class itself, or use @Inject(token).`
    )
  }
  return `${head} asks for ${tokenName(token)}, which nobody provides, and which cannot be built unasked: ${untyped(token)}`
}
