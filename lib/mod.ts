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
  type Scope,
  type Token,
  token,
  type ValueProvider,
} from './container/mod.ts'
export { App, type AppListenOptions, type AppOptions, type StopOptions } from './core/app.ts'
export { Audience } from './core/audience.ts'
export type { Clock } from './core/clock.ts'
export type { Address, ListenOptions } from './core/connection.ts'
export { contextOf, GatewayContext, type RoomList } from './core/context.ts'
export { SocketEvent } from './core/event.ts'
export type { Handshake } from './core/handshake.ts'
export type { Fetch } from './core/http.ts'
export type { Limits } from './core/limits.ts'
export type { Logger } from './core/logger.ts'
export type { Root } from './core/modules.ts'
export { type SignalListeners, Signals } from './core/signals.ts'
export { Socket } from './core/socket.ts'
export type { SocketList } from './core/sockets.ts'
export { Gateway, type GatewayOptions } from './decorators/gateway.ts'
export { Injectable, type InjectableOptions } from './decorators/injectable.ts'
export { OnClose, OnFirstMessage, OnMessage, OnOpen } from './decorators/lifecycle.ts'
export { type DynamicModule, Module, type ModuleOptions } from './decorators/module.ts'
export { On, OnAny } from './decorators/on.ts'
export { OnSignal, type SignalName } from './decorators/signal.ts'
export { type CloseReason, closeCodes } from './protocol/close.ts'
export type { Codec, Payload } from './protocol/codec.ts'
export { type ErrorBody, type ErrorCode, errorCodes, PartylineError } from './protocol/error.ts'
export type { Frame } from './protocol/frame.ts'
export { type JsonOptions, json } from './protocol/json.ts'
export { createApp } from './runtime/create-app.ts'
export { type RunOptions, run } from './runtime/run.ts'
