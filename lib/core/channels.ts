import { BrokerError } from '../broker/error.ts'
import type { ChannelHub } from '../channels/hub.ts'
import type { ChannelMessage } from '../channels/message.ts'
import {
  type Channel,
  type ChannelRequest,
  channel,
  channelsOf,
  parseWireName,
  wireNameOf,
} from '../channels/names.ts'
import { termsOf } from '../channels/terms.ts'
import { BootError, type Class } from '../container/mod.ts'
import type { ChannelOptions, ChannelRule } from '../decorators/channels.ts'
import type { GatewayOptions } from '../decorators/gateway.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { checkSize } from './buffer.ts'
import type { Refused } from './refusal.ts'
import type { Shared } from './shared.ts'
import { isThenable } from './thenable.ts'

/** What can be done with a channel. */
export type ChannelVerb = 'subscribe' | 'publish'

/** Who asks for something of a channel. */
export interface Asker {
  readonly handshake: Handshake
  readonly identity: Identity | undefined
}

/** What a handshake asks for in its query. */
export interface ChannelFlags {
  readonly subscribe: readonly ChannelRequest[]
  readonly publish: readonly ChannelRequest[]
  /** Whether the client hears what it publishes itself. */
  readonly echo: boolean
}

const AUDIENCES = ['broadcast', 'user', 'group', 'session'] as const

/** The channels of one gateway: who may do what with them, and what their messages are to its clients. */
export class GatewayChannels {
  readonly hub: ChannelHub
  readonly options: ChannelOptions
  readonly terms: { readonly history: number; readonly expiry: number }
  readonly #shared: Pick<Shared, 'stats' | 'limits' | 'report'>
  readonly #gateway: string
  readonly #codecs: readonly Codec[]
  /** Each message as frames, by the codec's index: made once for all who hear it. */
  readonly #frames = new WeakMap<ChannelMessage, (Payload | undefined)[]>()

  /** @throws BootError for options out of bounds */
  constructor(
    options: ChannelOptions,
    hub: ChannelHub,
    codecs: readonly Codec[],
    gateway: string,
    shared: Pick<Shared, 'stats' | 'limits' | 'report'>,
  ) {
    this.options = options
    this.hub = hub
    this.#codecs = codecs
    this.#gateway = gateway
    this.#shared = shared
    const { history, expiry } = termsOf(
      options,
      (message) => new BootError([`channels of ${gateway}: ${message}.`]),
    )
    this.terms = { history, expiry }
  }

  /** What the query of a handshake asks for. */
  flags({ url: { searchParams } }: Handshake): ChannelFlags {
    const asked = (verb: ChannelVerb): ChannelRequest[] =>
      AUDIENCES.filter((audience) => searchParams.has(`${verb}-${audience}`)).map((audience) => ({
        audience,
      }))
    return { subscribe: asked('subscribe'), publish: asked('publish'), echo: searchParams.has('echo') }
  }

  /** Whether the query of a handshake asks for any channel. */
  isAskedFor(handshake: Handshake): boolean {
    const { subscribe, publish } = this.flags(handshake)
    return subscribe.length > 0 || publish.length > 0
  }

  /** Why a handshake is refused, where it asks for what its identity does not carry, or the rules deny. Never rejects. */
  async refusal(asker: Asker): Promise<Refused | undefined> {
    const { subscribe, publish } = this.flags(asker.handshake)
    try {
      channel(this.#facilityOf(asker), 'broadcast')
      for (const request of subscribe) await this.#granted('subscribe', request, asker)
      for (const request of publish) await this.#granted('publish', request, asker)
      return undefined
    } catch (error) {
      if (!(error instanceof PartylineError)) throw error
      if (error.code === 'FORBIDDEN') this.#shared.stats.count('forbidden')
      const { code, message } = error
      return { status: code === 'FORBIDDEN' ? 403 : 400, code, message }
    }
  }

  /**
   * The channels that somebody may use, by the name that the wire has for them; at once where the rule says it at once.
   *
   * @throws PartylineError INVALID_DATA for what is no channel; FORBIDDEN, which is counted. So it rejects as well.
   */
  granted(verb: ChannelVerb, wireName: string, asker: Asker): Channel[] | Promise<Channel[]> {
    const counted = (error: unknown): never => {
      if (error instanceof PartylineError && error.code === 'FORBIDDEN') this.#shared.stats.count('forbidden')
      throw error
    }
    try {
      const granted = this.#granted(verb, parseWireName(wireName), asker)
      return granted instanceof Promise ? granted.catch(counted) : granted
    } catch (error) {
      return counted(error)
    }
  }

  /** The channels of a client's own that it asks for, whatever the rules say. */
  named(request: ChannelRequest, asker: Asker): Channel[] {
    return channelsOf(request, this.#facilityOf(asker), asker.identity)
  }

  /** A message as a client gets it who chose a subprotocol; undefined where its codec cannot carry it, which was reported. */
  frame(message: ChannelMessage, codec: number): Payload | undefined {
    const made = this.#frames.get(message) ?? []
    this.#frames.set(message, made)
    if (codec in made) return made[codec]
    made[codec] = this.#encode(message, codec)
    return made[codec]
  }

  /** A message as a plain client gets it: as it was published, byte by byte. */
  bare({ text, bytes }: ChannelMessage): Payload {
    return text ?? bytes
  }

  #encode(message: ChannelMessage, codec: number): Payload | undefined {
    const { channel, data, position } = message
    const frame = { channel, data, ...(position !== undefined && { at: position }) }
    try {
      const payload = (this.#codecs[codec] as Codec).encode(frame)
      checkSize(payload, this.#shared.limits.buffer)
      return payload
    } catch (error) {
      this.#shared.report(error, 'a message of a channel was not sent to those whose codec cannot carry it', {
        gateway: this.#gateway,
        event: channel,
      })
      return undefined
    }
  }

  #granted(verb: ChannelVerb, request: ChannelRequest, asker: Asker): Channel[] | Promise<Channel[]> {
    const channels = this.named(request, asker)
    if (channels.length === 0) throw forbidden(lacking(request))
    const rule = verb === 'subscribe' ? (this.options.subscribe ?? true) : (this.options.publish ?? false)
    const check = (verdicts: readonly boolean[]): Channel[] => {
      const refused = channels.find((_, i) => verdicts[i] !== true)
      if (refused === undefined) return channels
      throw forbidden(`you may not ${verb} ${verb === 'publish' ? 'to ' : ''}${wireNameOf(refused)} here`)
    }
    const verdicts = channels.map((one) => this.#allows(rule, one, asker))
    return verdicts.some(isThenable)
      ? Promise.all(verdicts).then(check)
      : check(verdicts as readonly boolean[])
  }

  #allows(rule: ChannelRule, one: Channel, { handshake, identity }: Asker): boolean | Promise<boolean> {
    if (typeof rule === 'boolean') return rule
    if (typeof rule !== 'function') return rule.includes(one.audience)
    try {
      const verdict = rule({ ...one, handshake, identity })
      return isThenable(verdict)
        ? Promise.resolve(verdict).catch((error: unknown) => this.#failed(error))
        : verdict
    } catch (error) {
      return this.#failed(error)
    }
  }

  #failed(error: unknown): boolean {
    if (error instanceof PartylineError) throw forbidden(error.message)
    this.#shared.report(error, 'a rule about channels failed, which refuses', { gateway: this.#gateway })
    return false
  }

  #facilityOf({ handshake }: Asker): string {
    return handshake.params[this.options.facility ?? 'facility'] as string
  }
}

/** What is wrong with a gateway's channels, as it is declared. */
export function channelProblems({ name }: Class, path: string, options: GatewayOptions): string[] {
  const { channels, protocol } = options
  if (channels === undefined) return []
  const problems: string[] = []
  const { facility = 'facility', subscribe, publish } = channels
  if (!path.split('/').some((segment) => segment === `:${facility}` || segment === `:${facility}?`))
    problems.push(
      `${name} has channels, and its path ${path} has no :${facility}, which would name the facility. Add it, or name another ` +
        'parameter by channels.facility.',
    )
  if (protocol === 'raw')
    problems.push(
      `${name} has channels and protocol: 'raw': clients without a subprotocol get bare messages anyway. Leave it out.`,
    )
  for (const [verb, rule] of Object.entries({ subscribe, publish }))
    if (rule !== undefined && !isRule(rule))
      problems.push(
        `channels.${verb} of ${name} is no rule: give true, false, a function, or a list of ${AUDIENCES.join(', ')}.`,
      )
  return problems
}

/** What somebody wrote may be anything. */
function isRule(rule: unknown): boolean {
  if (typeof rule === 'boolean' || typeof rule === 'function') return true
  return Array.isArray(rule) && rule.every((one) => (AUDIENCES as readonly unknown[]).includes(one))
}

/** What a client is told where the broker failed. */
export function brokerFailure(error: unknown): unknown {
  if (!(error instanceof BrokerError)) return error
  if (error.code === 'TOO_LARGE') return new PartylineError('INVALID_DATA', error.message)
  const isKnown = error.code !== 'UNKNOWN'
  return new PartylineError(
    'UNAVAILABLE',
    isKnown ? 'not published: the broker is away' : 'perhaps published: the broker did not answer',
  )
}

function lacking({ audience, name }: ChannelRequest): string {
  if (name !== undefined) return `you are not in the group ${name}`
  return audience === 'group' ? 'you are in no group' : `nobody is known here who has a ${audience} channel`
}

function forbidden(message: string): PartylineError {
  return new PartylineError('FORBIDDEN', message)
}
