import type { DependencyContainer } from 'tsyringe'
import { type Class, isClass } from './class.ts'
import { BootError } from './error.ts'
import { parametersOf, processWide, recordParameters } from './parameters.ts'
import { type Provider, type Scope, scopeOf, scopes, type Token, tokenName } from './provider.ts'
import { untyped } from './untyped.ts'

/** What the container knows of a token: where it comes from, how long it lives, what it needs. */
export interface Definition {
  readonly token: Token
  readonly scope: Scope
  /** Who asked for it to be known: a module, or the class that first needed it. */
  readonly origin: string
  readonly dependencies: readonly Dependency[]
  readonly source: Source
  /** What only this definition's own constructor can be given, beside what everybody can. */
  readonly own: ReadonlyMap<Token, unknown>
}

/** How an instance comes to be. */
export type Source =
  | { kind: 'value'; value: unknown }
  | { kind: 'class'; target: Class }
  | { kind: 'factory'; factory: (...dependencies: never[]) => unknown; inject: readonly Token[] }
  | { kind: 'existing'; token: Token }
  /** Another container's, which made it and ends it. */
  | { kind: 'borrowed'; from: Resolver }
  /** Put into each container of its scope by whoever opens it. */
  | { kind: 'given' }

/** One thing that a definition needs. */
export interface Dependency {
  token: Token
  optional: boolean
  lazy: boolean
  /** Where it is asked for, in words: `parameter 1 of Chat's constructor`. */
  place: string
}

/** What is called when tsyringe is asked for a token. */
export type Obtain = (definition: Definition, from: DependencyContainer) => unknown

/** Another container, asked for what this app's own providers do not stand for. */
export interface Resolver {
  /** Whether it stands for a token; asked when the app is put together. */
  has(token: Token): boolean
  /** What the token stands for, as it is: no promise is waited for. Asked once, when it is first needed; it stays the other container's. */
  get(token: Token): unknown
}

/** What to say of a token that nobody provides to that definition; undefined where there is nothing to add. */
export type Hint = (token: Token, asker: Definition | undefined) => string | undefined

/** All that one app can inject. */
export class Registry {
  readonly definitions: Map<Token, Definition> = new Map()
  /** The app's own tsyringe container. It falls back to the process-wide one for tokens that are no classes only. */
  readonly di: DependencyContainer = processWide.createChildContainer()
  /** Something better to say of a token that nobody provides, where whoever opened the registry knows it. */
  hint: Hint = () => undefined
  /** Comes before a class is built unasked: what another container builds is not to be built again. */
  resolver: Resolver | undefined
  /** What is wrong with a definition, where whoever opened the registry has rules of its own. */
  rule: (definition: Definition) => readonly string[] = () => []
  /** What is being built, the innermost last. */
  readonly building: Definition[] = []
  readonly #obtain: Obtain
  /** The tokens that tsyringe knows: it forgets none. */
  readonly #registered = new Set<Token>()
  /** The private tokens under which tsyringe constructs classes. */
  readonly #builds = new Map<Class, symbol>()

  constructor(obtain: Obtain) {
    this.#obtain = obtain
  }

  /** Makes a provider known. A token that is known already is a mistake, unless it is the same class once more. */
  add(provider: Provider, origin: string, own: ReadonlyMap<Token, unknown> = new Map()): Definition {
    const token = typeof provider === 'function' ? provider : provider?.provide
    if (token === undefined || token === null) {
      throw new BootError([
        `a provider of ${origin} is undefined, or has no "provide": a missing import, or two files that import each other.`,
      ])
    }
    const known = this.definitions.get(token)
    if (known !== undefined) {
      if (typeof provider === 'function' && known.source.kind === 'class' && known.source.target === provider)
        return known
      const who = known.origin === origin ? `both times by ${origin}` : `by ${known.origin} and by ${origin}`
      throw new BootError([
        `${tokenName(token)} is provided twice, ${who}. Keep one; to replace a provider for a test or a deployment, ` +
          `list it in createApp's "providers" option.`,
      ])
    }
    return this.#define({ token, origin, own, ...this.#read(provider) })
  }

  /** Makes a token known that whoever opens a container of that scope puts a value in for. */
  addGiven(token: Token, scope: Scope): Definition {
    const none = { dependencies: [], own: new Map() }
    return this.#define({ token, scope, origin: 'Partyline', source: { kind: 'given' }, ...none })
  }

  /** The definition of a token; a class that nobody listed is made known when it can be built without help. */
  find(token: Token, origin: string): Definition | undefined {
    const known = this.definitions.get(token)
    if (known !== undefined) return known
    const { resolver } = this
    if (token !== undefined && resolver?.has(token)) {
      const source: Source = { kind: 'borrowed', from: resolver }
      return this.#define({ token, origin, own: new Map(), scope: 'app', dependencies: [], source })
    }
    if (typeof token !== 'function' || !isBuildable(token)) return undefined
    return this.add(token as Class, origin)
  }

  /** Whether the process-wide tsyringe container stands for what this app does not know. */
  isForeign(token: Token): boolean {
    return typeof token !== 'function' && processWide.isRegistered(token)
  }

  /** Makes tokens known, or none: where the task throws, what it made known is forgotten. */
  attempt<T>(task: () => T): T {
    const known = new Set(this.definitions.keys())
    try {
      return task()
    } catch (error) {
      for (const token of this.definitions.keys()) if (!known.has(token)) this.definitions.delete(token)
      throw error
    }
  }

  /** The token under which tsyringe constructs a class anew. */
  buildOf(target: Class): symbol {
    const known = this.#builds.get(target)
    if (known !== undefined) return known
    const build = Symbol(target.name)
    this.#builds.set(target, build)
    recordParameters(target)
    this.di.register(build, { useClass: target as never })
    return build
  }

  #define(definition: Definition): Definition {
    const { token, scope } = definition
    if (!scopes.includes(scope)) throw new BootError([strangeScope(token, scope)])
    this.definitions.set(token, definition)
    if (this.#registered.has(token)) return definition
    this.#registered.add(token)
    this.di.register(token as never, {
      useFactory: (from) => this.#obtain(this.definitions.get(token) as Definition, from),
    })
    return definition
  }

  #read(provider: Provider): Pick<Definition, 'scope' | 'dependencies' | 'source'> {
    if (typeof provider === 'function') return readClass(provider, scopeOf(provider))
    if ('useValue' in provider) {
      return { scope: 'app', dependencies: [], source: { kind: 'value', value: provider.useValue } }
    }
    if ('useClass' in provider)
      return readClass(provider.useClass, provider.scope ?? scopeOf(provider.useClass))
    const place = `the provider of ${tokenName(provider.provide)}`
    if ('useFactory' in provider) {
      const inject = provider.inject ?? []
      return {
        scope: provider.scope ?? 'app',
        dependencies: inject.map((token) => ({ token, optional: false, lazy: false, place })),
        source: { kind: 'factory', factory: provider.useFactory, inject },
      }
    }
    if ('useExisting' in provider) {
      const token = provider.useExisting
      // It lives as long as what it stands for: nothing is kept under this name.
      return {
        scope: 'event',
        dependencies: [{ token, optional: false, lazy: false, place }],
        source: { kind: 'existing', token },
      }
    }
    throw new BootError([
      `the provider of ${tokenName((provider as { provide: Token }).provide)} has none of useValue, useClass, ` +
        `useFactory and useExisting.`,
    ])
  }
}

function readClass(target: Class, scope: Scope): Pick<Definition, 'scope' | 'dependencies' | 'source'> {
  const parameters = parametersOf(target)
  if (parameters === undefined) {
    throw new BootError([untyped(target)])
  }
  return {
    scope,
    source: { kind: 'class', target },
    dependencies: parameters.map(({ token, ...how }, i) => ({
      token: token as Token,
      place: `parameter ${i + 1} of ${target.name}'s constructor`,
      ...how,
    })),
  }
}

/** What other frameworks call our scopes. */
const FOREIGN_SCOPES: ReadonlyMap<string, Scope> = new Map([
  ['request', 'event'],
  ['message', 'event'],
  ['transient', 'event'],
  ['session', 'connection'],
  ['socket', 'connection'],
  ['singleton', 'app'],
  ['default', 'app'],
])

function strangeScope(token: Token, scope: unknown): string {
  const meant = FOREIGN_SCOPES.get(String(scope).toLowerCase())
  const advice = meant === undefined ? "Use 'app', 'connection' or 'event'." : `Here that is '${meant}'.`
  return `${tokenName(token)} has the scope ${JSON.stringify(scope)}, which there is not. ${advice}`
}

/** Whether a class can be built although nobody listed it: it is no built-in, and its parameters are known. */
function isBuildable(token: Token): boolean {
  return isClass(token) && parametersOf(token) !== undefined
}
