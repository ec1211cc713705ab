import type { Asking } from '../nodes/asking.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import {
  type Deed,
  type Errand,
  isAnswer,
  isAnything,
  isCount,
  isListOf,
  isView,
  type PlainAnswer,
  type Selection,
} from './errand.ts'
import { FarSocket } from './far-socket.ts'
import { outgoing } from './outgoing.ts'
import { type RemoteSocket, type SocketView, viewOf } from './remote-socket.ts'
import { checkRoomNames, type Rooms } from './rooms.ts'
import type { Session } from './session.ts'
import { checkSendable } from './socket.ts'

/** For how long other nodes are waited for that live and do not answer, in milliseconds. */
const PATIENCE = 5_000

/** For how much longer than its clients a node is waited for that asks them something. */
const GRACE = 1_000

/** The sockets of one gateway on all nodes: those here are done with at once, the others by their nodes. */
export class Everywhere {
  readonly path: string
  readonly #rooms: Rooms
  readonly #asking: Asking | undefined
  readonly #missed: () => void

  /** `missed` is called for each question that a living node did not answer. */
  constructor(path: string, rooms: Rooms, asking: Asking | undefined, missed: () => void) {
    this.path = path
    this.#rooms = rooms
    this.#asking = asking
    this.#missed = missed
  }

  async count(selection: Selection): Promise<number> {
    const counts = await this.#ask(selection, { do: 'count' }, isCount)
    return counts.reduce((sum, { data }) => sum + data, this.#here(selection).length)
  }

  async fetch(selection: Selection): Promise<RemoteSocket[]> {
    const here = this.#here(selection).map(({ socket }) => socket as RemoteSocket)
    const found = await this.#ask(selection, { do: 'fetch' }, isListOf(isView))
    const far = found.flatMap(({ node, data }) => data.map((view) => this.far(view, node)))
    return [...here, ...far]
  }

  async join(selection: Selection, rooms: readonly string[]): Promise<void> {
    checkRoomNames(rooms)
    await this.#everywhere(selection, { do: 'join', rooms })
  }

  async leave(selection: Selection, rooms: readonly string[]): Promise<void> {
    checkRoomNames(rooms)
    await this.#everywhere(selection, { do: 'leave', rooms })
  }

  async close(selection: Selection, code: number, reason: string): Promise<void> {
    checkSendable(code)
    await this.#everywhere(selection, { do: 'close', code, reason })
  }

  /** Publishes an event to those in any of the rooms, or to everybody where none is named, on all nodes. */
  publish(rooms: readonly string[] | undefined, frame: EventFrame): void {
    this.#rooms.publish(frame, rooms)
  }

  /** What the clients of other nodes answer. */
  async callOthers(
    selection: Selection,
    frame: EventFrame,
    timeout: number,
  ): Promise<(PlainAnswer & { node: string })[]> {
    // JSON knows no Infinity.
    const plain = Number.isFinite(timeout) ? timeout : null
    const deed: Deed = { do: 'call', frame, timeout: plain }
    const answered = await this.#ask(selection, deed, isListOf(isAnswer), timeout + GRACE)
    return answered.flatMap(({ node, data }) => data.map((one) => ({ ...one, node })))
  }

  /** A socket of another node. */
  far(view: SocketView, node: string): RemoteSocket {
    return new FarSocket(view, this.path, {
      tell: (deed) => this.#tell(node, view.id, deed),
      // Whether it is held against its descriptor is told at boot.
      outgoing: (event, args) => outgoing(event, args, this.#rooms.checkOutgoing),
    })
  }

  /**
   * Does what another node asks for; what it is to be answered.
   *
   * @throws TypeError for what this version does not know.
   */
  perform(selection: Selection, deed: Deed): unknown {
    const sessions = this.#here(selection)
    switch (deed.do) {
      case 'count':
        return sessions.length
      case 'fetch':
        return sessions.map(({ socket }) => viewOf(socket))
      case 'call':
        return Promise.all(sessions.map((session) => callOne(session, deed)))
      case 'emit':
      case 'join':
      case 'leave':
      case 'close':
        for (const session of sessions) perform(session, deed)
        // Who entered a room hears it from then on, also what other nodes say.
        return this.#rooms.publishing.relay?.settled?.() ?? true
      case 'publish':
        this.#rooms.publish(deed.frame, selection.rooms)
        return undefined
      default:
        throw new TypeError(`"${(deed as Deed).do}" is nothing that can be done to sockets here`)
    }
  }

  #here({ rooms, ids, exceptIds, exceptRooms }: Selection): Session[] {
    if (ids !== undefined) return ids.flatMap((id) => this.#rooms.get(id) ?? [])
    const excluded = exceptIds.flatMap((id) => this.#rooms.get(id) ?? [])
    return [...this.#rooms.select(rooms, excluded, exceptRooms)]
  }

  async #everywhere(selection: Selection, deed: Deed): Promise<void> {
    const here = this.perform(selection, deed)
    await Promise.all([here, this.#ask(selection, deed, isAnything)])
  }

  /** What other nodes answer, but for those that have no such gateway. */
  async #ask<T>(
    selection: Selection,
    deed: Deed,
    fits: (data: unknown) => data is T,
    timeout?: number,
  ): Promise<{ node: string; data: T }[]>
  async #ask(
    selection: Selection,
    deed: Deed,
    fits: (data: unknown) => boolean,
    timeout = PATIENCE,
  ): Promise<{ node: string; data: unknown }[]> {
    if (this.#asking === undefined) return []
    const errand: Errand = { path: this.path, selection, deed }
    const { answers, missing } = await this.#asking.ask(errand, timeout)
    const known = answers.filter(({ data }) => data !== null && data !== undefined)
    const fitting = known.filter(({ data }) => fits(data))
    // What a node of another version says and nobody understands is as good as nothing.
    for (let n = missing.length + known.length - fitting.length; n > 0; n--) this.#missed()
    return fitting
  }

  #tell(node: string, id: string, deed: Deed): void {
    const errand: Errand = { path: this.path, selection: { ids: [id], exceptIds: [], exceptRooms: [] }, deed }
    this.#asking?.tell(errand, node)
  }
}

/** What fails for one is no reason to leave out the others: a room too many is counted where it is, as any other. */
function perform(
  session: Session,
  deed: Exclude<Deed, { do: 'count' | 'fetch' | 'call' | 'publish' }>,
): void {
  const { socket } = session
  try {
    if (deed.do === 'emit') session.send(deed.frame)
    else if (deed.do === 'close') socket.close(deed.code, deed.reason)
    else if (deed.do === 'join') socket.join(...deed.rooms)
    else socket.leave(...deed.rooms)
  } catch (error) {
    if (!(error instanceof PartylineError)) session.log(error, `to ${deed.do} from elsewhere failed`)
  }
}

async function callOne(session: Session, { frame, timeout }: Deed & { do: 'call' }): Promise<PlainAnswer> {
  const socket = viewOf(session.socket)
  try {
    return { socket, data: await session.requests.ask(frame, timeout ?? Number.POSITIVE_INFINITY) }
  } catch (error) {
    if (error instanceof PartylineError) return { socket, error: error.toBody() }
    session.log(error, 'to call from elsewhere failed')
    return { socket, error: { code: 'INTERNAL', message: 'the node failed to ask' } }
  }
}
