import type { Place, WireClient } from '../support/tcp.ts'
import type { Starter } from './server.ts'

/** What the cases are put to: a server that runs, and what starts others. It is there when the cases run, and not before. */
export interface Subject {
  readonly starter: Starter
  /** Where one of the server's apps listens. */
  place(app?: string): Place
  /** Opens a WebSocket, which is ended after the case. */
  open(path: string, headers?: Record<string, string>, app?: string): Promise<WireClient>
}

/** What a case needs that not every runtime can do, and what holds where one cannot. */
export interface Exception {
  /** The first cell of its row in the table of docs/runtimes.md, which says who can. */
  row: string
  /** The case on a runtime under which the table says no. */
  instead: () => Promise<void>
}

/** Declares a case; every runtime has them all, some of them with the exception that it has to have. */
export type Declare = (name: string, run: () => Promise<void>, exception?: Exception) => void
