import type { Clock } from '../protocol/clock.ts'
import type { Payload } from '../protocol/codec.ts'
import { cut, hexOf } from './show.ts'

/** `>` for what a client sent, `<` for what it received, `|` for what happened to its line. */
export type Sign = '>' | '<' | '|'

/** How many lines are kept, and how many of them are shown. */
const KEPT = 20

/** How long a message is shown at most, in characters. */
const SHOWN = 400

interface Note {
  readonly time: number
  readonly sign: Sign
  readonly what: Payload
}

/** What passed between one client and the server, to be read by a person. */
export class Transcript {
  readonly #name: string
  readonly #clock: Clock
  readonly #begin: number
  readonly #trace: ((line: string) => void) | undefined
  #notes: Note[] = []

  /** @param trace hears every line, with the client's name. */
  constructor(name: string, clock: Clock, begin: number, trace: ((line: string) => void) | undefined) {
    this.#name = name
    this.#clock = clock
    this.#begin = begin
    this.#trace = trace
  }

  note(sign: Sign, what: Payload): void {
    const one: Note = { time: Math.round(this.#clock.now() - this.#begin), sign, what }
    this.#notes.push(one)
    if (this.#notes.length > 2 * KEPT) this.#notes = this.#notes.slice(-KEPT)
    this.#trace?.(lineOf(one, `${this.#name} `))
  }

  /** The latest of it. */
  get latest(): readonly string[] {
    return this.#notes.slice(-KEPT).map((one) => lineOf(one))
  }
}

function lineOf({ time, sign, what }: Note, name = ''): string {
  const text = cut(typeof what === 'string' ? what : hexOf(what), SHOWN)
  return `${`${time} ms`.padStart(9)} ${name}${sign} ${text}`
}
