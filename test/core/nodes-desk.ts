import { expect } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnOpen,
  OnResume,
  OnSuspend,
  type Socket,
} from 'partyline'
import { Gate } from '../support/gate.ts'

/** What has happened on all nodes, in order. */
export const notes: unknown[] = []
export const gates = { slow: new Gate() }

/** To be called after each test. */
export function clearDesk(): void {
  notes.length = 0
  gates.slow = new Gate()
}

/** A gateway whose sessions go on at other nodes. */
@Gateway('/desk', { recovery: { window: 60_000 } })
export class Desk {
  constructor(readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket) {
    notes.push('open')
    socket.join('all')
  }

  @On() join(socket: Socket, room: string) {
    socket.join(room)
    socket.data.joined = [...(socket.data.joined ?? []), room]
    return [...socket.rooms]
  }

  @On() leave(socket: Socket, room: string) {
    socket.leave(room)
  }

  @On() who(socket: Socket) {
    return { rooms: [...socket.rooms], data: socket.data, id: socket.id }
  }

  @On() say(socket: Socket, text: string) {
    notes.push(text)
    socket.to('all').emit('said', text)
    return text
  }

  @On() tell(_: Socket, text: string) {
    this.context.to('all').emit('told', text)
  }

  @On() async slow(_: Socket, text: string) {
    notes.push(text)
    await gates.slow.pass()
    return text
  }

  @On() async ask(socket: Socket, question: string) {
    return { answered: await socket.call('answer', question) }
  }

  @OnSuspend() suspended(_: Socket, { code }: CloseReason) {
    notes.push(`suspend ${code}`)
  }

  @OnResume() resumed() {
    notes.push('resume')
  }

  @OnClose() closed(_: Socket, { code }: CloseReason) {
    notes.push(`close ${code}`)
  }
}

/** What a test needs of a frame. */
export interface Framed {
  event?: string
  data?: unknown
  pos?: number
  ack?: number
  error?: { code: string }
  id?: number
}

export function framesOf(guest: { frames(): string[] }): Framed[] {
  return guest.frames().map((text) => JSON.parse(text) as Framed)
}

/** What came, without positions, which have to rise. */
export function contents(guest: { frames(): string[] }, after = 0): [Framed[], number] {
  let last = after
  const frames = framesOf(guest).filter((frame) => frame.pos !== undefined)
  for (const { pos = 0 } of frames) {
    expect(pos).toBeGreaterThan(last)
    last = pos
  }
  return [frames.map(({ pos: _, ...frame }) => frame), last]
}

/** The names of the events that came. */
export function events(guest: { frames(): string[] }): (string | undefined)[] {
  return framesOf(guest).flatMap(({ event }) => event ?? [])
}
