import type { Buffer } from 'node:buffer'
import { withoutTrace } from '../protocol/error.ts'

/** What is used of a client of node-redis. */
export interface Client {
  connect(): Promise<unknown>
  /** Ends it at once; may be called at any time, and twice. */
  destroy(): void
  sendCommand(args: readonly Argument[]): Promise<unknown>
  subscribe(channels: string[], listener: Listener, bytes: true): Promise<void>
  unsubscribe(channels: string[]): Promise<void>
  sSubscribe(channels: string[], listener: Listener, bytes: true): Promise<void>
  sUnsubscribe(channels: string[]): Promise<void>
  on(event: string, listener: (value: unknown) => void): unknown
}

export type Argument = string | Buffer

export type Listener = (message: Buffer, channel: Buffer) => void

/** What is used of node-redis. */
interface Library {
  createClient(options: object): unknown
  RESP_TYPES: { BLOB_STRING: number }
  ErrorReply: new (message: string) => Error
}

// To import this module is no mistake: that the package is missing matters to those only who call redis().
const library: Library | undefined = await import('redis').catch(() => undefined)

/** The package that speaks to Redis, an optional peer. Throws where it is not installed. */
export function theLibrary(): Library {
  if (library !== undefined) return library
  throw withoutTrace(
    () => new Error('redis() needs the package redis, which is not there: npm install redis'),
  )
}

/** Whether an error is what a server answered, and not the loss of the connection to it. */
export function isReply(error: unknown): error is Error {
  return error instanceof theLibrary().ErrorReply
}
