import { afterEach } from 'bun:test'
import {
  type CloseReason,
  event,
  Gateway,
  GatewayContext,
  Inject,
  On,
  OnClose,
  OnMessage,
  PartylineError,
  type Socket,
  token,
} from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { ManualClock, type TestApp, type TestAppOptions, testApp } from 'partyline/testing'
import { z } from 'zod'

export const joined = event('joined', { data: z.object({ user: z.string(), at: z.number() }) })
export const pair = event('pair', { args: z.tuple([z.string(), z.number()]) })

export const CLOCK = token<ManualClock>('CLOCK')
/** What survives the app, as a database would. */
export const NOTES = token<unknown[]>('NOTES')

/** A gateway whose sessions can be resumed. */
@Gateway('/party', { recovery: { window: 60_000 } })
export class Party {
  constructor(
    readonly party: GatewayContext,
    @Inject(CLOCK) readonly clock: ManualClock,
    @Inject(NOTES) readonly notes: unknown[],
  ) {}

  @On() join(socket: Socket, user: string) {
    this.party.emit(joined, { user: socket.identity?.user ?? user, at: 7 })
    return this.party.sockets.size
  }

  /** Sends back what it got, as an event. */
  @On() echo(socket: Socket, data: unknown) {
    this.notes.push(data)
    socket.emit('echo', data)
  }

  @On() pair(socket: Socket) {
    socket.emit(pair, 'ha', 3)
    socket.emit('several', 1, 2)
    socket.emit('none')
  }

  @On() async wait(_: Socket, milliseconds: number) {
    for (let i = 0; i < milliseconds; i++)
      await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, 1))
    this.notes.push(`waited ${milliseconds}`)
    return milliseconds
  }

  /** Asks the outside world, which takes real time. */
  @On() async digest(socket: Socket, text: string) {
    let bytes: ArrayBuffer | Uint8Array<ArrayBuffer> = new TextEncoder().encode(text)
    for (let i = 0; i < 50; i++) bytes = await crypto.subtle.digest('SHA-256', bytes)
    socket.emit('digest', bytes.byteLength)
  }

  @On() ask(socket: Socket) {
    void socket.call('name', undefined, { timeout: 5_000 }).then(
      (answer) => this.notes.push(answer),
      (error) => this.notes.push(error),
    )
  }

  @On() fail(_: Socket, how?: string) {
    if (how !== undefined) throw new PartylineError('NO_CAKE', how)
    throw new Error('the oven is broken')
  }

  @On() leave(socket: Socket, code: number) {
    socket.close(code, 'go')
  }

  @OnClose() closed(_: Socket, { code }: CloseReason) {
    this.notes.push(`closed ${code}`)
  }
}

/** A gateway that forgets who has gone. */
@Gateway('/plain')
export class Plain {
  @On() echo(socket: Socket, data: unknown) {
    socket.emit('echo', data)
  }

  @On() header({ handshake, query }: Socket) {
    return [handshake.headers.get('x-color'), query.get('color'), handshake.ip]
  }
}

/** A gateway without frames. */
@Gateway('/raw', { protocol: 'raw' })
export class Raw {
  @OnMessage() message(socket: Socket, message: string | Uint8Array) {
    socket.send(message)
  }
}

const apps: TestApp[] = []

/** All of them in one app, which ends with the test. */
export async function house(options: TestAppOptions = {}): Promise<TestApp & { notes: unknown[] }> {
  const { clock = new ManualClock() } = options
  const notes: unknown[] = []
  const app = await testApp([Party, Plain, Raw], {
    patience: 0,
    clock,
    codecs: [msgpack()],
    providers: [
      { provide: CLOCK, useValue: clock },
      { provide: NOTES, useValue: notes },
    ],
    ...options,
  })
  apps.push(app)
  return Object.assign(app, { notes })
}

/** What a promise rejects with, as text. */
export async function failureOf(task: Promise<unknown>): Promise<string> {
  try {
    await task
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it did not fail')
}

/** To be called by each file of tests. */
export function closeHouses(): void {
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop()
  })
}
