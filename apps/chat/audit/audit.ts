import { Inject, Injectable, OnSignal, type Socket, type SocketEvent, token } from 'partyline'
import { LOG, type Log } from '../log.ts'
import { Directory, type Person } from '../people/directory.ts'

/** How many of the latest entries are kept. */
export const TRAIL_LENGTH = token<number>('TRAIL_LENGTH')

/** Somebody came, went, or asked for something: whether they got it is another matter. */
export interface AuditEntry {
  /** In milliseconds since 1970. */
  time: number
  /** The socket's id. */
  socket: string
  /** Absent before signing in. */
  name?: string
  did: string
  room?: string
}

/** Who did what, and where; never what was said. It hears of it by signals: nobody has to tell it. */
@Injectable()
export class Audit {
  readonly #trail: AuditEntry[] = []

  constructor(
    private readonly directory: Directory,
    @Inject(LOG) private readonly log: Log,
    @Inject(TRAIL_LENGTH) private readonly length: number,
  ) {}

  /** The latest entries, oldest first. */
  get trail(): readonly AuditEntry[] {
    return [...this.#trail]
  }

  @OnSignal('connected') connected(socket: Socket<Person>) {
    this.#note(socket, 'connected')
  }

  @OnSignal('disconnected') disconnected(socket: Socket<Person>) {
    this.#note(socket, 'disconnected')
  }

  @OnSignal('event') event(socket: Socket<Person>, { name, data }: SocketEvent) {
    this.#note(socket, `asked to ${name}`, roomIn(data))
  }

  #note(socket: Socket<Person>, did: string, room?: string): void {
    const entry = { time: Date.now(), socket: socket.id, name: this.directory.nameOf(socket), did, room }
    this.#trail.push(entry)
    if (this.#trail.length > this.length) this.#trail.shift()
    this.log(`audit ${JSON.stringify(entry)}`)
  }
}

/** The room that an event is about. Signals come before validation, so that this may be anything, of any length. */
function roomIn(data: unknown): string | undefined {
  const room = (data as { room?: unknown } | null | undefined)?.room
  return typeof room === 'string' ? room.slice(0, 64) : undefined
}
