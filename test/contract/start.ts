import type { App, AppOptions, Root } from 'partyline'
import type { CollectingLogger, Entry } from '../support/logger.ts'
import type { Client, Line } from './client.ts'

export interface ConnectOptions {
  subprotocols?: string[]
  headers?: Record<string, string>
}

/** An app that serves on some runtime, and the ways to it from outside. */
export interface Served {
  app: App
  connect(path: string, options?: ConnectOptions): Promise<Line>
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** Serves an app on the runtime that the contract is put to. */
export type Serve = (root: Root, options: AppOptions) => Promise<Served>

/** An app under test; it is stopped after the test, and must by then have logged nothing that the test did not take. */
export interface Running extends Pick<Served, 'app' | 'fetch'> {
  connect(path: string, options?: ConnectOptions): Promise<Client>
  /** What the app has logged since the last time. */
  logged(): Entry[]
  readonly log: CollectingLogger
}

export type Start = (root: Root, options?: Omit<AppOptions, 'logger'>) => Promise<Running>
