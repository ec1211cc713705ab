import type { EventFrame } from '../protocol/frame.ts'

/** Makes the answer in the moment in which it is sent: what happens after that is told after it. */
export type Answering = () => unknown

/** Does what was decided; whoever waits for their turn does not wait for this. */
export type Deed = () => Promise<Answering>

/** What a client asks for beside events, and what waits its turn among them: in their order, and within the same limits. */
export class Chore implements EventFrame {
  /** What it is called where it fails. */
  readonly event: string
  readonly id?: number
  /** Its turn: decides what is to be done. */
  readonly begin: () => Deed | Promise<Deed>

  constructor(event: string, id: number | undefined, begin: () => Deed | Promise<Deed>) {
    this.event = event
    if (id !== undefined) this.id = id
    this.begin = begin
  }
}

/** An answer without data. */
export const nothing: Answering = () => undefined
