import { Publisher } from '../channels/publisher.ts'
import {
  type AnyClass,
  BootError,
  type Class,
  Container,
  checkGraph,
  collectInto,
  type Definition,
  type Provider,
  type Resolver,
  type Token,
} from '../container/mod.ts'
import { type GatewayTag, gatewayTag } from '../decorators/gateway.ts'
import { taggedMethods } from '../decorators/tags.ts'
import type { Codec } from '../protocol/codec.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import { Audience } from './audience.ts'
import { channelProblems, GatewayChannels } from './channels.ts'
import type { Cluster } from './cluster.ts'
import type { Runtime } from './connection.ts'
import { contextOf, GatewayContext, gatewayOf } from './context.ts'
import type { Dialect, DialectFactory } from './dialect.ts'
import type { RoutedPath } from './door.ts'
import { Instances } from './instances.ts'
import { limitProblems } from './limits.ts'
import { flatten, type Parts, type Root } from './modules.ts'
import { proxyProblems } from './origin.ts'
import { compilePath, normalise, pathProblems } from './path.ts'
import type { GuardRefused } from './pipeline.ts'
import { GatewayPresence } from './presence.ts'
import { recoveryOf } from './recovery.ts'
import { Rooms } from './rooms.ts'
import { codecsOf, compileHandlers, type Route } from './route.ts'
import type { Shared } from './shared.ts'
import { Signals } from './signals.ts'
import { Socket } from './socket.ts'
import { type AppSurroundings, declareSurroundings } from './surround.ts'

/** What an app is put together from. */
export interface Plan {
  root: Root
  /** Providers that replace those of the same token in any module. */
  overrides: readonly Provider[]
  resolver: Resolver | undefined
  prefix: string
  codecs: readonly Codec[]
  runtime: Pick<Runtime, 'publish'>
  shared: Shared
  surroundings: AppSurroundings
  cluster: Cluster
  /** How many proxies are believed. */
  proxies: number
  dialects: readonly DialectFactory[]
}

/** An app, put together and checked, with nothing built yet. */
export interface Assembly {
  container: Container
  /** All that can be built, in an order in which it can. */
  order: Definition[]
  paths: RoutedPath[]
}

/** Who lists what replaces providers. */
const OVERRIDES = "createApp's providers"

/** What is said where a gateway's context is asked for in the wrong place. */
function hint(token: Token, asker: Definition | undefined): string | undefined {
  const source = asker?.source
  const isGateway = source?.kind === 'class' && gatewayTag.get(source.target) !== undefined
  const unserved = token === GatewayContext && isGateway ? source.target : gatewayOf(token)
  if (unserved !== undefined)
    return `${unserved.name} is no gateway of this app. List it in the "gateways" of a module.`
  if (token !== GatewayContext) return undefined
  return (
    'only gateways are given a GatewayContext, each its own. Elsewhere ask for one by name: ' +
    '@Inject(contextOf(ThatGateway)), or inject(contextOf(ThatGateway)).'
  )
}

/**
 * Puts an app together, and finds what is wrong with it before anything is built.
 *
 * @throws BootError with every mistake that was found.
 */
export function assemble(plan: Plan): Assembly {
  const problems: string[] = []
  const parts = flatten(plan.root, problems)
  const container = new Container()
  container.registry.hint = hint
  container.registry.resolver = plan.resolver
  container.registry.rule = misplacedSignals
  const attempt = collectInto(problems)

  attempt(() =>
    container.registry.add({ provide: Signals, useValue: new Signals(plan.shared.signals) }, 'Partyline'),
  )
  const socket = container.registry.addGiven(Socket, 'connection')
  const paths = parts.gateways.flatMap(
    (part) => attempt(() => route(part, plan, container, socket, problems)) ?? [],
  )
  // What it keeps depends on the gateways' channels.
  attempt(() => container.registry.add({ provide: Publisher, useValue: plan.cluster.publisher }, 'Partyline'))
  const served = new Set<Token | undefined>(parts.gateways.map(({ gateway }) => gateway))
  const overridden = new Set(plan.overrides.map(tokenOf))
  const providers = [
    ...plan.overrides.map((provider) => ({ provider, origin: OVERRIDES })),
    ...parts.providers.filter(({ provider }) => !overridden.has(tokenOf(provider))),
  ]
  for (const { provider, origin } of providers) {
    const misplaced = misplacedGateway(provider, origin, served)
    if (misplaced === undefined) attempt(() => container.registry.add(provider, origin))
    else problems.push(misplaced)
  }
  const routes = paths.map(({ route }) => route)
  declareSurroundings(container, routes, plan.surroundings, problems)
  problems.push(...samePaths(paths), ...limitProblems(plan.shared.limits), ...proxyProblems(plan.proxies))
  problems.push(...plan.dialects.flatMap((dialect) => dialect.problems), ...sameDialects(plan.dialects))
  const order = attempt(() => checkGraph(container.registry)) ?? []
  if (problems.length > 0) throw withoutTrace(() => new BootError([...new Set(problems)]))
  return { container, order, paths }
}

function route(
  { gateway, origin }: Parts['gateways'][0],
  { prefix, codecs: others, runtime, shared, cluster, dialects }: Plan,
  container: Container,
  socket: Definition,
  problems: string[],
): RoutedPath {
  const tag = gatewayTag.get(gateway) as GatewayTag
  const path = normalise(prefix, tag.path)
  problems.push(
    ...pathProblems(path, tag.options.params).map(
      (one) => `@Gateway('${tag.path}') on ${gateway.name}: ${one}.`,
    ),
  )

  const recovery = recoveryOf(gateway, tag.options, shared, problems)
  const pattern = compilePath(path, tag.options.params)
  const { depth } = shared.limits
  const own = codecsOf(tag, others, depth)
  const recovers = recovery !== undefined
  const place = { path, isFixed: pattern.isFixed, depth, recovers, isShared: recovers && cluster.isShared }
  // Without frames there is nothing that could be said in another protocol.
  const spoken =
    tag.options.protocol === 'raw' ? [] : dialects.flatMap((dialect) => dialect.codec?.(place) ?? [])
  const codecs = [...own, ...spoken]
  const rooms = new Rooms(gateway.name, codecs, runtime, shared, recovery)
  cluster.connect(path, rooms, codecs, recovery)
  const { channels, presence } = tag.options
  const attempt = collectInto(problems)
  problems.push(...channelProblems(gateway, path, tag.options))
  if (presence !== undefined)
    rooms.presence = attempt(
      () => new GatewayPresence(path, presence, cluster.broker, codecs, gateway.name, shared),
    )
  if (rooms.presence !== undefined) cluster.presences.push(rooms.presence)
  const gatewayChannels =
    channels && attempt(() => new GatewayChannels(channels, cluster.hub, codecs, gateway.name, shared))
  if (gatewayChannels !== undefined) cluster.keeps(gatewayChannels.terms)
  const context = new GatewayContext(path, rooms)
  container.registry.add({ provide: contextOf(gateway), useValue: context }, origin)
  const definition = container.registry.add(gateway, origin, new Map([[GatewayContext, context]]))
  return {
    pattern,
    route: {
      path,
      gateway,
      options: tag.options,
      handlers: compileHandlers(gateway, tag.options, problems),
      codecs,
      rooms,
      recovery,
      channels: gatewayChannels,
      presence: rooms.presence,
      everybody: new Audience(rooms),
      authenticate: undefined,
      around: {
        guards: [],
        middleware: [],
        checkOutgoing: false,
        guardRefused: guardRefused(gateway, shared),
      },
      instances: new Instances(container, definition, socket, shared.logger),
    } satisfies Route,
  }
}

/** Counts what guards refuse, and reports what failed in them. */
function guardRefused({ name }: Class, shared: Shared): GuardRefused {
  return ({ event, socket }, error) => {
    shared.stats.count('forbidden')
    if (error === undefined || error instanceof PartylineError) return
    // A log that fails must not make a refusal anything else.
    try {
      shared.report(error, 'a guard failed, which refuses', { gateway: name, event, socket })
    } catch {
      // There is nowhere left to say so.
    }
  }
}

/** Nodes tell codecs apart by their dialects' names. */
function sameDialects(dialects: readonly DialectFactory[]): string[] {
  const names = dialects.map(({ name }) => name)
  return names
    .filter((name, i) => names.indexOf(name) !== i)
    .map((name) => `the option "dialects" lists ${name} twice: an app speaks it at one path. Leave one out.`)
}

/**
 * Holds the paths that dialects serve against those of gateways, which nobody would reach there.
 *
 * @throws BootError with each gateway that is hidden so
 */
export function checkHidden(paths: readonly RoutedPath[], dialects: readonly Dialect[]): void {
  // At one of a gateway's paths with parameters a dialect takes the place of that path alone.
  const hidden = paths.filter(
    ({ pattern, route: { path } }) => pattern.isFixed && dialects.some((dialect) => dialect.serves(path)),
  )
  const problems = hidden.map(
    ({ route: { gateway, path } }) =>
      `${gateway.name} is at ${path}, where another protocol of the option "dialects" is served: nobody would reach it. ` +
      'Give one of them another path.',
  )
  if (problems.length > 0) throw withoutTrace(() => new BootError(problems))
}

function samePaths(paths: readonly RoutedPath[]): string[] {
  const first = new Map<string, Route>()
  return paths.flatMap(({ pattern, route }) => {
    const earlier = first.get(pattern.shape)
    first.set(pattern.shape, earlier ?? route)
    if (earlier === undefined) return []
    const [one, other] = [earlier.gateway.name, route.gateway.name]
    const place =
      earlier.path === route.path
        ? `${one} and ${other} are both at ${route.path}`
        : `${one} at ${earlier.path} and ${other} at ${route.path} answer the same urls`
    return [`two gateways at one path: ${place}. Give one of them another.`]
  })
}

/** What is wrong with a gateway among providers: there it is not served, and cannot be replaced. */
function misplacedGateway(
  provider: Provider | undefined,
  origin: string,
  served: ReadonlySet<Token | undefined>,
): string | undefined {
  const token = tokenOf(provider)
  if (typeof token !== 'function' || gatewayTag.get(token as AnyClass) === undefined) return undefined
  // A gateway that is listed once more, or that is not served and has a stand-in: both are as good as any provider.
  if (served.has(token) === (provider === token)) return undefined
  if (provider === token) {
    const place = origin === OVERRIDES ? origin : `the providers of ${origin}`
    return (
      `${token.name} is a gateway, and nobody reaches it among ${place}. List it in the "gateways" of a ` +
      `module, or give it to createApp.`
    )
  }
  return (
    `${token.name} is a gateway, which ${origin} cannot replace: its handlers are its own. Replace what it needs, or ` +
    `list another gateway in its place.`
  )
}

function misplacedSignals({ source, scope }: Definition): string[] {
  if (source.kind !== 'class' || scope === 'app') return []
  if (!taggedMethods(source.target).some(({ tag }) => tag.kind === 'signal')) return []
  return [
    `${source.target.name} listens with @OnSignal but lives per ${scope}, and listeners live per app. Move the method ` +
      `to a provider of scope 'app'.`,
  ]
}

/** Undefined for what is no provider, which the registry tells of. */
function tokenOf(provider: Provider | undefined): Token | undefined {
  return typeof provider === 'function' ? provider : provider?.provide
}
