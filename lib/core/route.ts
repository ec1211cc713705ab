import type { Class } from '../container/mod.ts'
import type { GatewayOptions, GatewayTag } from '../decorators/gateway.ts'
import { type MethodTag, type TaggedMethod, taggedMethods } from '../decorators/tags.ts'
import type { Codec } from '../protocol/codec.ts'
import type { AuthenticatorFunction } from '../protocol/identity.ts'
import { isEventKey, json } from '../protocol/json.ts'
import { MESSAGE, raw } from '../protocol/raw.ts'
import type { Audience } from './audience.ts'
import type { GatewayChannels } from './channels.ts'
import { Handler, type Method, type Surroundings } from './handler.ts'
import type { Instances } from './instances.ts'
import type { GatewayPresence } from './presence.ts'
import type { Recovery } from './recovery.ts'
import type { Rooms } from './rooms.ts'

/** The methods of a gateway class, by what they are for. Made once, at boot. */
export interface Handlers {
  /** By event. */
  readonly events: EventTable
  readonly any: Handler | undefined
  readonly open: Method | undefined
  readonly close: Method | undefined
  readonly suspend: Method | undefined
  readonly resume: Method | undefined
  readonly firstMessage: Handler | undefined
  /** Whether an event concerns its own handler alone. */
  readonly direct: boolean
}

/** The handlers of events by their names. A map, so that no property of any prototype can be reached by a name. */
export class EventTable {
  readonly #handlers: ReadonlyMap<string, Handler>
  /** Asked for last: most events have the name of the one before, and to compare costs less than to look up. */
  #name = ''
  #handler: Handler | undefined

  constructor(handlers: ReadonlyMap<string, Handler>) {
    this.#handlers = handlers
  }

  get all(): Iterable<Handler> {
    return this.#handlers.values()
  }

  find(name: string): Handler | undefined {
    if (name === this.#name) return this.#handler
    const handler = this.#handlers.get(name)
    // Names that nobody handles are a client's own, and of any length.
    if (handler === undefined) return undefined
    this.#name = name
    this.#handler = handler
    return handler
  }
}

/** A gateway, ready to serve. */
export interface Route {
  /** With the app's prefix, normalised. */
  readonly path: string
  readonly gateway: Class
  readonly options: GatewayOptions
  readonly handlers: Handlers
  readonly codecs: readonly Codec[]
  readonly rooms: Rooms
  readonly everybody: Audience
  readonly instances: Instances
  /** What lets its sessions outlive their lines, where they may. */
  readonly recovery: Recovery | undefined
  /** Its channels, where it has any. */
  readonly channels: GatewayChannels | undefined
  /** Who is in its rooms on all nodes, where it wants to know. */
  readonly presence: GatewayPresence | undefined
  /** Finds out who asks for a connection; everybody is taken in, unknown, where there is none. */
  authenticate: AuthenticatorFunction | undefined
  /** What stands around every event of the gateway. Filled in when what the app builds is there. */
  around: Surroundings
}

/** The codecs of a gateway: the first serves those that choose none. */
export function codecsOf({ options }: GatewayTag, others: readonly Codec[], depth: number): Codec[] {
  if (options.protocol === 'raw') return [raw]
  const { eventKey, messageShorthand } = options
  return [
    json({ eventKey, messageShorthand, depth }),
    ...others.map((codec) => codec.within?.({ depth }) ?? codec),
  ]
}

/** Sorts a gateway class's methods by what they are for; mistakes go to `problems`. */
export function compileHandlers(gateway: Class, options: GatewayOptions, problems: string[]): Handlers {
  const events = new Map<string, TaggedMethod>()
  const single = new Map<MethodTag['kind'], TaggedMethod>()
  const isRaw = options.protocol === 'raw'
  const { concurrency = 1, eventKey = 'event' } = options
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    problems.push(`${gateway.name}'s concurrency is ${concurrency}: it is a whole number from 1 on.`)
  }
  if (!isEventKey(eventKey)) {
    problems.push(
      `${gateway.name}'s eventKey is ${JSON.stringify(eventKey)}, which frames and objects have for other things: ` +
        `choose another, such as 'type'.`,
    )
  }

  for (const method of taggedMethods(gateway)) {
    const { kind } = method.tag
    if (kind === 'signal') continue
    problems.push(...misplaced(method, gateway, isRaw))
    const event =
      kind === 'event' ? (method.tag.event ?? String(method.name)) : kind === 'message' ? MESSAGE : undefined
    const earlier = event === undefined ? single.get(kind) : events.get(event)
    if (earlier !== undefined)
      problems.push(
        twice(gateway, kind === 'event' ? `the event "${event}"` : `@${decoratorOf(kind)}`, earlier, method),
      )
    else if (event === undefined) single.set(kind, method)
    else events.set(event, method)
  }

  const handler = (tagged: TaggedMethod | undefined) => tagged && new Handler(gateway, tagged)
  return {
    events: new EventTable(
      new Map([...events].map(([event, tagged]) => [event, new Handler(gateway, tagged)])),
    ),
    any: handler(single.get('any')),
    open: handler(single.get('open'))?.method,
    close: handler(single.get('close'))?.method,
    suspend: handler(single.get('suspend'))?.method,
    resume: handler(single.get('resume'))?.method,
    firstMessage: handler(single.get('firstMessage')),
    direct: !single.has('any') && !single.has('firstMessage'),
  }
}

/** All handlers of events, those without a name of their own included. */
export function handlersOf({ events, any, firstMessage }: Handlers): Handler[] {
  return [...events.all, any, firstMessage].filter((one) => one !== undefined)
}

function misplaced({ name, tag }: TaggedMethod, gateway: Class, isRaw: boolean): string[] {
  const place = `@${decoratorOf(tag.kind)} on ${gateway.name}.${String(name)}`
  if (isRaw && (tag.kind === 'event' || tag.kind === 'any')) {
    return [`${place}: a raw gateway has no events. Use @OnMessage(), or leave out protocol: 'raw'.`]
  }
  if (!isRaw && (tag.kind === 'message' || tag.kind === 'firstMessage')) {
    return [`${place} is for raw gateways. Add protocol: 'raw' to @Gateway, or use @On('message').`]
  }
  return []
}

function twice(gateway: Class, what: string, a: TaggedMethod, b: TaggedMethod): string {
  const [first, second] = [a, b].map(({ owner, name }) => `${owner.name}.${String(name)}`)
  const advice = what.startsWith('@') ? 'call one from the other' : "give one another event's name"
  return `${gateway.name} has two handlers for ${what}: ${first} and ${second}. Keep one, or ${advice}.`
}

function decoratorOf(kind: MethodTag['kind']): string {
  if (kind === 'event') return 'On'
  return `On${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
}
