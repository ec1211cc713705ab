import type { DependencyContainer } from 'tsyringe'
import { BootError, BuildError } from './error.ts'
import { checkGraph, needersOf, sameScope, unresolvable } from './graph.ts'
import { whileBuilding } from './inject.ts'
import { type Scope, type Token, tokenName } from './provider.ts'
import { type Definition, Registry } from './registry.ts'
import { isThenable } from './thenable.ts'

/** Which container a tsyringe container belongs to. */
const owners = new WeakMap<DependencyContainer, Container>()

/** The instances of one scope: of the app, of a connection, or of the handling of an event. */
export class Container {
  readonly registry: Registry
  readonly scope: Scope
  /** Told of what is built here from when it is set. */
  onBuilt: ((instance: unknown) => void) | undefined
  readonly #parent: Container | undefined
  readonly #di: DependencyContainer
  readonly #instances = new Map<Definition, unknown>()
  readonly #disposables: { dispose(): unknown }[] = []
  #isOver = false

  /** Without a parent: an app's container, with nothing in it. */
  constructor(parent?: Container, scope: Scope = 'app') {
    this.#parent = parent
    this.scope = scope
    this.registry = parent?.registry ?? new Registry((definition, from) => ownerOf(from).#obtain(definition))
    this.#di = parent === undefined ? this.registry.di : parent.#di.createChildContainer()
    owners.set(this.#di, this)
  }

  /** What a token stands for here; built now if it is not there yet. */
  get<T>(token: Token<T>): T {
    const { registry } = this
    const known = registry.definitions.get(token)
    if (known === undefined && registry.isForeign(token)) return this.#di.resolve<T>(token as never)
    return this.#obtain(known ?? this.#discover(token)) as T
  }

  /** Makes known what was not known at boot, and so was not looked at then. */
  #discover(token: Token): Definition {
    const { registry } = this
    const path = registry.building
    const asker = path.at(-1)
    const definition = registry.attempt(() => {
      const found = registry.find(token, asker === undefined ? 'app.get()' : tokenName(asker.token))
      if (found !== undefined) checkGraph(registry)
      return found
    })
    if (definition !== undefined) return definition
    const place = asker === undefined ? 'app.get()' : `inject() in ${tokenName(asker.token)}`
    throw new BootError([unresolvable(registry, { token, place }, path)])
  }

  /** All that was built or put in here. */
  get instances(): Iterable<unknown> {
    return this.#instances.values()
  }

  /** Puts in the value of a given definition. */
  give(definition: Definition, value: unknown): void {
    this.#instances.set(definition, value)
  }

  /**
   * Builds those of the definitions that live in this scope, in their order, waiting for asynchronous factories.
   * Returns nothing, and no promise, if there was none to wait for.
   */
  prepare(definitions: readonly Definition[]): void | Promise<void> {
    for (const [i, definition] of definitions.entries()) {
      if (definition.scope !== this.scope || this.#instances.has(definition)) continue
      if (definition.source.kind === 'given' || definition.source.kind === 'existing') continue
      const made = this.#make(definition)
      if (isAwaited(definition, made))
        return Promise.resolve(made).then(
          (value) => {
            this.#keep(definition, value)
            return this.#isOver ? this.dispose() : this.prepare(definitions.slice(i + 1))
          },
          (error: unknown) => {
            throw this.#failure(error, [definition])
          },
        )
      this.#keep(definition, made)
    }
  }

  /**
   * Disposes what was built here, the last first, and waits for it. Failures are collected and thrown together. What an
   * asynchronous factory makes after this is disposed of when it comes, and nothing more is built.
   */
  async dispose(): Promise<void> {
    this.#isOver = true
    const failures: unknown[] = []
    for (const one of this.#disposables.splice(0).toReversed()) {
      try {
        await one.dispose()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'providers failed to dispose')
  }

  /** After `dispose`: forgets what was built here, so that it can be built anew. */
  renew(): void {
    this.#instances.clear()
    this.#isOver = false
  }

  #obtain(definition: Definition): unknown {
    const { source } = definition
    if (source.kind === 'existing') return this.get(source.token)
    const home = this.#home(definition)
    if (home.#instances.has(definition)) return home.#instances.get(definition)
    const made = home.#make(definition)
    if (!isAwaited(definition, made)) return home.#keep(definition, made)
    // Nobody gets it: what it comes to, or fails with, is of no interest any more.
    Promise.resolve(made).catch(() => {})
    throw new BootError([
      `${tokenName(definition.token)} is made by an asynchronous factory, which has not finished. A class asks for it ` +
        `in its constructor's parameters, which are waited for; app.get() comes after "await app.ready()".`,
    ])
  }

  /** The nearest container, outward from here, in which a definition's instances live. */
  #home(definition: Definition): Container {
    for (let at: Container | undefined = this; at !== undefined; at = at.#parent) {
      if (at.scope === definition.scope) return at
    }
    const asker = this.registry.building.at(-1)
    const what = `${tokenName(definition.token)}, which lives per ${definition.scope}`
    throw new BootError([
      asker === undefined
        ? `app.get() reaches only what lives per app, and was asked for ${what}.`
        : `${tokenName(asker.token)} lives per ${asker.scope} but asks inject() for ${what}: there is none when it is built. ` +
          sameScope(asker, definition, definition.scope),
    ])
  }

  #make(definition: Definition): unknown {
    const { source, token } = definition
    if (source.kind === 'value') return source.value
    if (source.kind === 'given' || source.kind === 'existing')
      throw new Error(`${tokenName(token)} was not given`)
    const { building } = this.registry
    if (building.includes(definition)) {
      const path = [...building.slice(building.indexOf(definition)), definition]
      const names = path.map((one) => tokenName(one.token))
      throw new BootError([
        `${names.join(' → ')} is a cycle of dependencies, by way of inject(). Move what they share to a class of its own.`,
      ])
    }
    building.push(definition)
    const { own } = definition
    try {
      return whileBuilding(
        (asked) => (own.has(asked) ? own.get(asked) : this.get(asked)),
        () => {
          if (source.kind === 'borrowed') return source.from.get(token)
          if (source.kind === 'factory')
            return source.factory(...(source.inject.map((one) => this.get(one)) as never[]))
          this.#readyFor(definition)
          return this.#private(definition).resolve(this.registry.buildOf(source.target) as never)
        },
      )
    } catch (error) {
      throw this.#failure(error, building)
    } finally {
      building.pop()
    }
  }

  /** Builds what a constructor's parameters stand for: tsyringe would put words of its own around what fails. */
  #readyFor({ dependencies, own }: Definition): void {
    for (const { token, lazy } of dependencies) {
      if (!lazy && !own.has(token) && this.registry.definitions.has(token)) this.get(token)
    }
  }

  /** What is thrown where something cannot be built; `path` leads to it. */
  #failure(error: unknown, path: readonly Definition[]): Error {
    if (error instanceof BootError || error instanceof BuildError) return error
    const outward = [...path.slice(1).toReversed(), ...needersOf(this.registry, path[0] as Definition)]
    return new BuildError(
      outward.map((one) => tokenName(one.token)),
      error,
    )
  }

  /** Where a definition's constructor asks: a container of its own if it is given things of its own. */
  #private(definition: Definition): DependencyContainer {
    if (definition.own.size === 0) return this.#di
    const di = this.#di.createChildContainer()
    for (const [token, value] of definition.own) di.registerInstance(token as never, value)
    owners.set(di, this)
    return di
  }

  #keep(definition: Definition, instance: unknown): unknown {
    const isOurs =
      definition.source.kind === 'class' || (definition.source.kind === 'factory' && !this.#holds(instance))
    this.#instances.set(definition, instance)
    if (!isOurs) return instance
    if (isDisposable(instance)) this.#disposables.push(instance)
    this.onBuilt?.(instance)
    return instance
  }

  /** Whether something is here or further out already, as what a factory only hands on. */
  #holds(instance: unknown): boolean {
    if ([...this.#instances.values()].includes(instance)) return true
    return this.#parent === undefined ? false : this.#parent.#holds(instance)
  }
}

function ownerOf(di: DependencyContainer): Container {
  return owners.get(di) as Container
}

/** Whether a factory's result is to be waited for; a value is injected as it is, be it a promise. */
function isAwaited({ source }: Definition, made: unknown): made is PromiseLike<unknown> {
  return source.kind === 'factory' && isThenable(made)
}

function isDisposable(value: unknown): value is { dispose(): unknown } {
  return typeof (value as { dispose?: unknown } | null | undefined)?.dispose === 'function'
}
