/** What passes between client and server, before it is encoded. */
export type Message = { event: string; data?: unknown; id?: number } | { ack: number; data?: unknown }

/**
 * Told of each frame until it returns `'open'`, and of each frame of one byte after that: what to send for it, if anything.
 * Traffic has longer ones.
 */
export type Greet = (payload: string) => string | undefined

/** What `Greet` returns when messages may come. */
export const OPEN = 'open'

/** How a contender's clients speak: a contender with another encoding or handshake path brings another one. */
export interface Wire {
  path: string
  /** Where the protocol says more than messages: at first, and now and then. */
  greet?: Greet
  /** The payload of one WebSocket frame: a string makes a text frame, bytes make a binary one. */
  encode(message: Message): string | Uint8Array
  /** The opposite, for a frame of the server. Used to check replies before measuring, never while measuring. */
  decode(payload: Uint8Array): unknown
}

/** The JSON frames of docs/protocol.md, as a plain client sends them. */
export const json: Wire = {
  path: '/bench',
  encode: (message) => JSON.stringify(message),
  decode: (payload) => JSON.parse(new TextDecoder().decode(payload)),
}
