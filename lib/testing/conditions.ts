/** How a network behaves. Chances are from 0 to 1; what happens by chance is drawn from the app's seed. */
export interface Conditions {
  /** How long a message takes, in milliseconds: always, or from and to. What was sent first arrives first. Default 0. */
  delay: number | readonly [from: number, to: number]
  /** The chance that a message arrives twice: once more at once, or after some of the next. Default 0. */
  duplicate: number
  /** The chance that a line is cut in place of delivering a message. Default 0. */
  cut: number
  /** The chance that a line is half-open from a message on. Default 0. */
  halfOpen: number
  /** How long the client takes to read a message, in milliseconds, while others wait at the server. Default 0; `Infinity`: it does not read. */
  reading: number
}

/** A network that does nothing wrong. */
export const good: Conditions = { delay: 0, duplicate: 0, cut: 0, halfOpen: 0, reading: 0 }
