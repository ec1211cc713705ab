import type { Connection } from './connection.ts'
import type { Traffic } from './traffic.ts'
import type { Wire } from './wire.ts'

/** A sender with those who get the replies: one window of it is outstanding at a time. */
export class Group {
  /** Frames that have arrived at the receivers so far. */
  replies = 0

  private next = 0
  private left = 0
  private pending = 0
  private length = -1
  private finish: () => void = () => {}
  private readonly expected: number

  constructor(
    private readonly sender: Connection,
    private readonly receivers: readonly Connection[],
    /** The bytes of each window of the traffic. */
    private readonly windows: readonly Uint8Array[],
    private readonly traffic: Traffic,
    private readonly fail: (reason: Error) => void,
  ) {
    this.expected = receivers.length * traffic.windows[0]!.replies.length
  }

  /** Sends window after window, so many of them or until `stop()`; calls `finish` when the last one is answered. */
  start(finish: () => void, windows = Number.POSITIVE_INFINITY): void {
    this.finish = finish
    this.left = windows
    this.step()
  }

  /** Lets the outstanding window be the last. */
  stop(): void {
    this.left = 0
  }

  /**
   * Compares every reply of the next pass over the windows with what the traffic says. The length they have is
   * what replies are held to after `count()`.
   */
  check(wire: Wire): void {
    const replies = this.traffic.windows.flatMap((window) => window.replies)
    for (const receiver of this.receivers) {
      let at = 0
      receiver.receive = (bytes, start, end) => {
        const expected = replies[at++]
        const reply = wire.decode(bytes.slice(start, end))
        if (!Bun.deepEquals(reply, expected)) {
          return this.fail(new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(reply)}`))
        }
        if (this.length < 0) this.length = end - start
        this.arrived(bytes, start, end)
      }
    }
  }

  /** From now on replies are only counted, and held to their length. */
  count(): void {
    for (const receiver of this.receivers)
      receiver.receive = (bytes, start, end) => this.arrived(bytes, start, end)
  }

  private arrived(bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== this.length) {
      const frame = Buffer.from(bytes.slice(start, end)).toString()
      return this.fail(new Error(`a reply of another length than ${this.length} bytes: ${frame}`))
    }
    this.replies++
    if (--this.pending === 0) this.step()
  }

  private step(): void {
    if (this.left === 0) return this.finish()
    this.left--
    this.pending = this.expected
    this.sender.send(this.windows[this.next]!)
    this.next = (this.next + 1) % this.windows.length
  }
}
