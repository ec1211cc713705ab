import type { Message } from './wire.ts'

/**
 * Who sends what, and what must come back. A sender sends a window of messages in one write, and the next window only
 * when everything that the last one asks for has arrived. So a server finds the same number of messages in every read,
 * however it splits up its replies: the batches that it can profit from do not depend on its speed.
 */
export interface Traffic {
  senders: number
  /** How many connections beside a sender get the replies to its windows; with 0 the sender itself gets them. */
  listeners: number
  /** Sent by each listener at first, to be answered by one frame. */
  join?: Message
  windows: readonly Window[]
}

export interface Window {
  messages: readonly Message[]
  /**
   * What each receiver gets for it, in this order. Encoded they must all be of one length, in all windows: while
   * measuring, that length is how a reply is told from a failure.
   */
  replies: readonly Message[]
}

/** Windows of `outstanding` messages, of which the one numbered `n` is made by `exchange(n)`. */
export function windowsOf(
  outstanding: number,
  exchange: (n: number) => { message: Message; reply: Message },
): Window[] {
  return Array.from({ length: 16 }, (_, window) => {
    const exchanges = Array.from({ length: outstanding }, (_, n) => exchange(window * outstanding + n))
    return { messages: exchanges.map(({ message }) => message), replies: exchanges.map(({ reply }) => reply) }
  })
}

/** Text of that many letters, another one for each `seed`, as equal texts would favour the parser's caches. */
export function text(length: number, seed: number): string {
  let state = (seed + 1) * 2654435761
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return String.fromCharCode(97 + ((state >>> 16) % 26))
  }).join('')
}

/** An id of 128 to 255: the same number of digits in JSON, and the same number of bytes in MessagePack, for all. */
export const id = (n: number): number => 128 + (n % 128)
