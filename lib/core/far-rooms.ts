import type { Broker, BrokerLog } from '../broker/broker.ts'
import type { Watching } from '../broker/rosters.ts'
import type { RoomSender } from '../channels/room-sender.ts'
import { channelOf, ROSTER } from '../nodes/asking.ts'
import { packLetter } from '../nodes/letter.ts'
import type { Clock } from '../protocol/clock.ts'
import type { AnyEvent } from '../protocol/event.ts'
import { inTime } from './deadline.ts'
import type { Errand } from './errand.ts'
import { outgoing } from './outgoing.ts'
import { checkRoomNames } from './rooms.ts'

/** How long the broker is waited for at the end, in milliseconds. */
const PATIENCE = 2_000

/** How many events may wait until it is known which nodes there are. */
const MOST = 1_000

/**
 * The rooms of an app's gateways, from a process that serves none: one of the app's nodes is told what to publish, and does it as if
 * it had been asked by one of its own services. At most once, and in order as long as that node lives.
 */
export class FarRooms implements RoomSender {
  readonly #broker: Broker
  readonly #log: BrokerLog
  readonly #clock: Clock
  #nodes: Watching | undefined
  /** Those that are told, in order; undefined once it is known who is there. */
  #waiting: Uint8Array[] | undefined = []
  #hasSaid = false

  constructor(broker: Broker, log: BrokerLog, clock: Clock) {
    this.#broker = broker
    this.#log = log
    this.#clock = clock
  }

  emit(path: string, rooms: readonly string[] | undefined, event: AnyEvent, args: readonly unknown[]): void {
    if (typeof path !== 'string' || !path.startsWith('/'))
      throw new TypeError(`${JSON.stringify(path)} is no path of a gateway, such as "/chat"`)
    checkRoomNames(rooms ?? [])
    const selection = { rooms, exceptIds: [], exceptRooms: [] }
    const errand: Errand = { path, selection, deed: { do: 'publish', frame: outgoing(event, args, false) } }
    const bytes = packLetter({ question: errand })
    this.#nodes ??= this.#begin()
    if (this.#waiting === undefined) this.#tell(bytes)
    else if (this.#waiting.length < MOST) this.#waiting.push(bytes)
    else this.#drop('more events for rooms wait for the broker than may: some were dropped')
  }

  async settled(): Promise<void> {
    if (this.#nodes === undefined) return
    await inTime(this.#nodes.ready, this.#clock, PATIENCE)
    // What was handed over in this turn leaves at its end.
    await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, 0))
    if (this.#waiting !== undefined && this.#waiting.length > 0)
      this.#drop('the broker is away, and events for rooms were dropped as the publisher was closed')
  }

  #begin(): Watching {
    const nodes = this.#broker.rosters.watch(ROSTER, { changed() {} })
    void nodes.ready.then(() => {
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const bytes of waiting) this.#tell(bytes)
    })
    return nodes
  }

  #tell(bytes: Uint8Array): void {
    // The same for all, as long as it is there: the first in order.
    const [node] = this.#nodes?.entries.map((entry) => entry.node).sort() ?? []
    if (node === undefined)
      this.#drop('no node of the app is there that could be told of an event for its rooms')
    else this.#broker.messages.publish(channelOf(node), bytes)
  }

  #drop(message: string): void {
    if (!this.#hasSaid) this.#log.warn({}, `${message} (said once)`)
    this.#hasSaid = true
  }
}
