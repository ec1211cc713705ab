export { type CloseReason, closeCodes } from '../protocol/close.ts'
export type { Codec, Payload } from '../protocol/codec.ts'
export { type ErrorCode, errorCodes, PartylineError } from '../protocol/error.ts'
export {
  type AnyEvent,
  type Args,
  type Data,
  type EmitArgs,
  type EventDescriptor,
  type EventShape,
  event,
  type Reply,
  type Schema,
} from '../protocol/event.ts'
export { type JsonOptions, json } from '../protocol/json.ts'
export type { BackoffBounds } from './backoff.ts'
export type { CallArgs, CallOptions } from './calls.ts'
export {
  type ChannelPlace,
  type Channels,
  channels,
  type SubscribeOptions,
  type Subscription,
} from './channels.ts'
export { type Client, connect, type Volatile } from './client.ts'
export type { WebSocketClass, WebSocketLike } from './line.ts'
export type { ClientOptions, ErrorPlace, Finder } from './options.ts'
export type { QueueLimits } from './outbox.ts'
export { type Member, type Presence, type PresenceListener, presence, type Watch } from './presence.ts'
export type { Attempt, Beginning, ClientState, StateChanges } from './state.ts'
