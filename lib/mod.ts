export type { Broker, BrokerCounters, BrokerHost, BrokerLog, BrokerState } from './broker/broker.ts'
export { BrokerError, type BrokerErrorCode } from './broker/error.ts'
export { type MemoryOptions, memory } from './broker/memory.ts'
export { MemoryHub } from './broker/memory-hub.ts'
export { type AudienceNames, type Audiences, SELF, type Self } from './channels/audiences.ts'
export type { CreatePublisherOptions, StandalonePublisher } from './channels/create-publisher.ts'
export { type PublishEndpointOptions, publishEndpoint } from './channels/endpoint.ts'
export { ChannelMessage } from './channels/message.ts'
export type { ChannelAudience } from './channels/names.ts'
export {
  type Publication,
  type Published,
  Publisher,
  type PublishOptions,
} from './channels/publisher.ts'
export { GatewayAudience } from './channels/room-sender.ts'
export type { PublisherOptions } from './channels/terms.ts'
export {
  type AnyClass,
  BootError,
  type Class,
  type ClassProvider,
  type ExistingProvider,
  type FactoryProvider,
  Inject,
  inject,
  type NamedToken,
  type Provider,
  type Resolver,
  type Scope,
  type Token,
  token,
  type ValueProvider,
} from './container/mod.ts'
export type { App } from './core/app.ts'
export type { Audience, ClientAnswer } from './core/audience.ts'
export { type Call, type ConnectCall, EventCall } from './core/call.ts'
export type { Clock } from './core/clock.ts'
export type { Address, ListenOptions } from './core/connection.ts'
export { contextOf, GatewayContext, type RoomList } from './core/context.ts'
export { createPublisher } from './core/create-publisher.ts'
export type {
  Dialect,
  DialectCodec,
  DialectFactory,
  DialectHost,
  DialectPlace,
  Knock,
  Verdict,
  Welcome,
} from './core/dialect.ts'
export type { SocketEvent } from './core/event.ts'
export { type AnyGuard, Guard, type GuardFunction } from './core/guard.ts'
export type { Fetch, FetchInfo } from './core/http.ts'
export type { Limits } from './core/limits.ts'
export type { Logger } from './core/logger.ts'
export {
  type AnyMiddleware,
  type Middleware,
  type MiddlewareFunction,
  type Next,
  Use,
} from './core/middleware.ts'
export type { Root } from './core/modules.ts'
export type { AppListenOptions, AppOptions, PublishRoute } from './core/options.ts'
export type { Origins } from './core/origin.ts'
export { RoomPresence } from './core/presence.ts'
export type { RemoteSocket } from './core/remote-socket.ts'
export type { CallArgs, CallOptions } from './core/requests.ts'
export type { Where } from './core/shared.ts'
export { type SignalListeners, Signals } from './core/signals.ts'
export { Socket } from './core/socket.ts'
export type { SocketList } from './core/sockets.ts'
export type { AppStats, BrokerStats, Counters } from './core/stats.ts'
export type { StopOptions } from './core/stop.ts'
export type {
  ChannelCall,
  ChannelOptions,
  ChannelRule,
  GatewayPresenceOptions,
  WatchCall,
} from './decorators/channels.ts'
export { Gateway, type GatewayOptions, type RecoveryOptions } from './decorators/gateway.ts'
export { Injectable, type InjectableOptions } from './decorators/injectable.ts'
export { OnClose, OnFirstMessage, OnMessage, OnOpen, OnResume, OnSuspend } from './decorators/lifecycle.ts'
export { type DynamicModule, Module, type ModuleOptions } from './decorators/module.ts'
export { On, OnAny } from './decorators/on.ts'
export { OnSignal, type SignalName } from './decorators/signal.ts'
export type { Member, PresenceChange, PresenceListener, PresenceWatch } from './presence/member.ts'
export { type Arrival, Presence, type PresenceOptions } from './presence/presence.ts'
export { type CloseReason, closeCodes } from './protocol/close.ts'
export type { Codec, Payload } from './protocol/codec.ts'
export { type ErrorBody, type ErrorCode, errorCodes, PartylineError } from './protocol/error.ts'
export {
  type Answer,
  type AnyEvent,
  type Args,
  type Data,
  type EmitArgs,
  type EventDescriptor,
  type EventShape,
  event,
  type Fault,
  type Reply,
  type Schema,
} from './protocol/event.ts'
export { type Frame, several } from './protocol/frame.ts'
export type { Handshake } from './protocol/handshake.ts'
export type {
  AnyAuthenticator,
  AppClaims,
  Authenticator,
  AuthenticatorFunction,
  Identity,
  Register,
} from './protocol/identity.ts'
export { type JsonOptions, json } from './protocol/json.ts'
export { BunRuntime } from './runtime/bun.ts'
export { type CreateAppOptions, createApp, type RuntimeHere } from './runtime/create-app.ts'
export { DenoRuntime } from './runtime/deno.ts'
export { NodeRuntime } from './runtime/node.ts'
export { type RunOptions, run } from './runtime/run.ts'
