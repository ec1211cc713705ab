import {
  type Call,
  type CloseReason,
  type EventCall,
  Gateway,
  GatewayContext,
  Guard,
  inject,
  type Next,
  On,
  OnAny,
  OnClose,
  OnOpen,
  PartylineError,
  type Socket,
  type SocketEvent,
  Use,
} from 'partyline'
import { z } from 'zod'
import { Notebook } from './notebook.ts'

/** The data of a numbered frame; anything else may come as well. */
type Data = { n?: unknown; way?: unknown; room?: unknown } | null | undefined

const wayOf = (data: unknown): unknown => (data as Data)?.way
const numberOf = (data: unknown): unknown => (data as Data)?.n

/** Lets in, refuses, throws, forgets to answer, or waits, as the data says. */
function byWay(call: Call): boolean | Promise<boolean> {
  if (call.kind === 'connect') return true
  const way = wayOf(call.data)
  if (way === 'refuse') return false
  if (way === 'throw') throw new Error('the guard failed')
  if (way === 'forget') return undefined as unknown as boolean
  if (way === 'reject') return Promise.reject(new Error('the guard failed later'))
  return way === 'later' ? Promise.resolve(true) : true
}

function translating(call: EventCall, next: Next): unknown {
  if (wayOf(call.data) === 'instead') return 'instead of the handler'
  try {
    return next()
  } catch (error) {
    if (error instanceof RangeError) throw new PartylineError('TRANSLATED', 'translated')
    throw error
  }
}

async function patient(_: EventCall, next: Next): Promise<unknown> {
  await null
  try {
    return await next()
  } finally {
    await null
  }
}

const numbered = z.object({ n: z.number().optional(), way: z.string().max(6).optional() })
const slowly = numbered.refine(async ({ way }) => (await way) !== 'throw')

/** Handlers that return, throw, reject, answer late or never, send, join, leave and close. */
class Everything {
  readonly context: GatewayContext = inject(GatewayContext)
  readonly notes: Notebook = inject(Notebook)
  /** Whether the events of a socket are handled one after another. */
  readonly inOrder: boolean = true

  #begin(socket: Socket, data: unknown): void {
    this.notes.begin(socket, numberOf(data), this.inOrder)
  }

  @OnClose() closed(socket: Socket, reason: CloseReason): void {
    this.notes.end(socket, reason)
  }

  @On() echo(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    return data
  }

  @On() async soon(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    await null
    if (wayOf(data) === 'reject') throw new Error('rejected')
    return data
  }

  @On() async later(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    await this.notes.clock.wait(3)
    if (wayOf(data) === 'throw') throw undefined
    return data
  }

  @On() never(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    return new Promise(() => {})
  }

  @On() throws(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    if (wayOf(data) === 'refuse') throw new PartylineError('NO', 'no', { way: 1n })
    if (wayOf(data) === 'later') throw null
    throw new RangeError('thrown')
  }

  @On() cannotTravel(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    if (wayOf(data) === 'throw') return 1n
    if (wayOf(data) === 'refuse') return new Uint8Array(3)
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    return cycle
  }

  @On() foreign(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    return {
      // biome-ignore lint/suspicious/noThenProperty: one that calls back twice, and then throws
      then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
        resolve('once')
        reject(new Error('twice'))
        throw new Error('thrice')
      },
    }
  }

  @On() emits(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    socket.emit('to you', data)
    this.context.to('room', '__proto__').emit('to the room', 1)
    socket.broadcast.emit('to the others')
    if (wayOf(data) === 'throw') this.context.emit('to nobody', 1n)
  }

  @On() joins(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    socket.join('room', (data as { room: string }).room)
    return [...socket.rooms]
  }

  @On() leaves(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    socket.leave((data as { room: string }).room)
  }

  @On() closes(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    if (wayOf(data) === 'throw') socket.close(1)
    if (wayOf(data) !== 'refuse') socket.close(4_000, 'as asked')
    socket.emit('after the end')
    return 'after the end'
  }

  @On('checked', numbered) checked(socket: Socket, data: z.infer<typeof numbered>) {
    this.#begin(socket, data)
    return data
  }

  @On('checkedLater', slowly) async checkedLater(socket: Socket, data: z.infer<typeof slowly>) {
    this.#begin(socket, data)
    return data
  }

  @Guard(byWay)
  @Use(translating)
  @On()
  guarded(socket: Socket, data: unknown) {
    this.#begin(socket, data)
    throw new RangeError('for the middleware')
  }

  @Guard(byWay)
  @Use(patient, translating)
  @On('both', numbered)
  async both(socket: Socket, data: z.infer<typeof numbered>) {
    this.#begin(socket, data)
    return data
  }
}

/** The names of all handlers. */
export const EVENTS = [
  'echo',
  'soon',
  'later',
  'never',
  'throws',
  'cannotTravel',
  'foreign',
  'emits',
  'joins',
  'leaves',
  'closes',
  'checked',
  'checkedLater',
  'guarded',
  'both',
]

@Gateway('/orderly')
class Orderly extends Everything {}

@Gateway('/parallel', { concurrency: 3 })
class Parallel extends Everything {
  override readonly inOrder = false

  @OnOpen() async opened(socket: Socket) {
    await null
    socket.join('room')
  }
}

@Use(translating)
@Gateway('/watched')
class Watched extends Everything {
  @OnOpen() opened(socket: Socket) {
    socket.join('room')
  }

  @OnAny() any(_: Socket, event: SocketEvent): unknown {
    const way = wayOf(event.data)
    if (way === 'ack') event.ack('acknowledged')
    if (way === 'twice') event.ack(1)
    if (way === 'twice') event.ack(2)
    if (way === 'throw') throw new Error('@OnAny failed')
    return way === 'later' ? Promise.resolve() : undefined
  }
}

export const gateways = [Orderly, Parallel, Watched]
export const paths = ['/orderly', '/parallel', '/watched']
