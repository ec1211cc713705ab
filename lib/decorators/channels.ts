import type { ChannelAudience } from '../channels/names.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'

/** What a rule about channels and presence is asked about: who wants what. */
export interface ChannelCall {
  readonly audience: ChannelAudience
  /** Which user, group or session; absent for broadcast. It is one that the identity carries. */
  readonly name?: string
  readonly facility: string
  readonly identity: Identity | undefined
  readonly handshake: Handshake
}

/** Who may: everybody or nobody, for these audiences, or whom a function says. One that throws refuses. */
export type ChannelRule =
  | boolean
  | readonly ChannelAudience[]
  | ((call: ChannelCall) => boolean | Promise<boolean>)

/** Channels by facility and audience; see docs/guide/channels.md. */
export interface ChannelOptions {
  /** The path parameter that names the facility. Default `facility`. */
  facility?: string
  /** Which of the channels that their identity carries clients may hear. Default `true`. */
  subscribe?: ChannelRule
  /** To which of them they may publish. Default `false`. */
  publish?: ChannelRule
  /** How many messages that clients publish are kept of each channel. Default 1. */
  history?: number
  /** For how long, in milliseconds; 0 for not at all. Default 3,600,000, which is an hour. */
  expiry?: number
}

/** What a rule about presence is asked about. */
export interface WatchCall {
  readonly room: string
  readonly identity: Identity | undefined
  readonly handshake: Handshake
  /** Whether the socket is in the room. */
  readonly isMember: boolean
}

/** Presence: who is in which room, over all nodes; see docs/guide/presence.md. */
export interface GatewayPresenceOptions {
  /** For how long who has lost a connection may be away before that is told, in milliseconds. Default 15,000. */
  linger?: number
  /** How many bytes of JSON a member's state may have. Default 1,024. */
  stateBytes?: number
  /** Which clients may watch a room: all, none, or whom a function says. Default: those who are in it. */
  watch?: boolean | ((call: WatchCall) => boolean | Promise<boolean>)
}
