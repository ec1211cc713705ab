import { expect, test } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnResume,
  OnSuspend,
  type Socket,
} from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Client } from './client.ts'
import type { Running, Start } from './start.ts'

const JSON_V1 = 'partyline.json.v1'

/** A gateway whose sessions outlive their lines, and what happened on it. */
function desk() {
  const notes: string[] = []
  const gate = new Gate()

  @Gateway('/desk', { recovery: { window: 60_000 } })
  class Desk {
    constructor(readonly context: GatewayContext) {}

    @On() join(socket: Socket, rooms: string[]) {
      socket.join(...rooms)
    }

    @On() say(socket: Socket, text: string) {
      this.context.emit('all', text)
      this.context.to('a').emit('room', text)
      socket.broadcast.emit('others', text)
      socket.emit('you', text)
      return text
    }

    @On() echo(_: Socket, data: unknown) {
      return data
    }

    @On() slow(_: Socket, text: string) {
      notes.push(text)
      return gate.pass()
    }

    @On() async ask(socket: Socket, question: string) {
      return { answered: await socket.call('answer', question) }
    }

    @OnSuspend() suspended(_: Socket, { code }: CloseReason) {
      notes.push(`suspended ${code}`)
    }

    @OnResume() resumed() {
      notes.push('resumed')
    }

    @OnClose() closed(_: Socket, { code }: CloseReason) {
      notes.push(`closed ${code}`)
    }
  }

  return { Desk, notes, gate }
}

interface Hello {
  sid: string
  recovery: { token: string; window: number; pos: number }
  recovered?: boolean
  received?: number
}

/** A client, and what it was told first. */
async function met({ connect }: Running, ...resume: string[]): Promise<Client & { hello: Hello }> {
  const client = await connect('/desk', { subprotocols: [JSON_V1, ...resume] })
  const { hello } = JSON.parse(String(await client.next())) as { hello: Hello }
  return Object.assign(client, { hello })
}

const resuming = ({ hello }: { hello: Hello }, pos: number): string =>
  `partyline.resume.${hello.recovery.token}.${pos}`

/** Waits until the line of so many sessions is known to be gone. */
function suspended({ app }: Running, count = 1): Promise<void> {
  return until(() => app.stats().suspended === count, 'the line to break')
}

/** The answer to a request that has come last. */
async function done(client: Client, id: number): Promise<void> {
  await until(() => client.received.some((text) => String(text).startsWith(`{"ack":${id},`)), 'the answer')
}

export function recovery(start: Start): void {
  test('who comes back gets what was missed, in order, and is in the rooms that the session is in', async () => {
    const { Desk, notes } = desk()
    const one = await start(Desk)
    const [ann, bob] = [await met(one), await met(one)]
    ann.send('{"event":"join","data":["a"],"pos":1}', '{"event":"say","data":"1","id":1,"pos":2}')
    expect(await ann.take(4)).toEqual([
      '{"event":"all","data":"1","pos":1}',
      '{"event":"room","data":"1","pos":2}',
      '{"event":"you","data":"1","pos":4}',
      '{"ack":1,"data":"1","pos":5}',
    ])
    ann.vanish()
    await suspended(one)
    const socket = one.app.sockets.get(ann.hello.sid) as Socket
    expect([socket.connected, socket.suspended, [...socket.rooms]]).toEqual([false, true, ['a']])
    bob.send('{"event":"say","data":"2","id":1}')
    await done(bob, 1)
    socket.leave('a')
    bob.send('{"event":"join","data":["a"]}', '{"event":"say","data":"3","id":2}')
    await done(bob, 2)
    socket.broadcast.emit('from afar')
    await until(() => bob.received.includes('{"event":"from afar","args":[],"pos":16}'), 'the event')

    const again = await met(one, resuming(ann, 5))
    expect(again.hello).toMatchObject({ sid: ann.hello.sid, recovered: true, received: 2 })
    expect(again.hello.recovery.pos).toBe(5)
    bob.send('{"event":"say","data":"4","id":3}')
    await done(bob, 3)
    expect(await again.flushed()).toEqual([
      '{"event":"all","data":"2","pos":6}',
      '{"event":"room","data":"2","pos":7}',
      '{"event":"others","data":"2","pos":8}',
      '{"event":"all","data":"3","pos":11}',
      '{"event":"others","data":"3","pos":13}',
      '{"event":"all","data":"4","pos":17}',
      '{"event":"others","data":"4","pos":19}',
    ])
    expect(notes).toEqual(['suspended 1006', 'resumed'])
  })

  test('a line that still lives is taken over: closed with 4409, and heard no more', async () => {
    const { Desk, notes } = desk()
    const one = await start(Desk)
    const [ann, bob] = [await met(one), await met(one)]
    ann.send('{"event":"join","data":["a"],"pos":1}')
    await ann.flushed()
    const again = await met(one, resuming(ann, 0))
    expect(await ann.closed()).toEqual({ code: 4409, reason: 'resumed elsewhere' })
    bob.send('{"event":"say","data":"1","id":1}')
    await done(bob, 1)
    const expected = [
      '{"event":"all","data":"1","pos":1}',
      '{"event":"room","data":"1","pos":2}',
      '{"event":"others","data":"1","pos":3}',
    ]
    expect(await again.flushed()).toEqual(expected)
    expect(one.app.stats()).toMatchObject({ sockets: 2, suspended: 0 })
    expect(notes).toEqual(['suspended 4409', 'resumed'])
    again.send('{"event":"say","data":"2","id":2,"pos":2}')
    await done(again, 2)
    expect(ann.received).toHaveLength(2)
  })

  test('a line on which reading was held back is taken over as any', async () => {
    const { Desk, notes, gate } = desk()
    const one = await start(Desk, { limits: { waiting: 4 } })
    const ann = await met(one)
    const frames = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `{"event":"slow","data":"${n}","id":${n},"pos":${n}}`)
    ann.send(...frames.slice(0, 4))
    await until(() => notes.length === 1, 'the handler')
    const again = await met(one, resuming(ann, 0))
    expect((await ann.closed()).code).toBe(4409)
    const received = again.hello.received ?? 0
    again.send(...frames.slice(received, 4))
    gate.open()
    for (const n of [1, 2, 3, 4]) expect(await again.next()).toBe(`{"ack":${n},"pos":${n}}`)
    again.send(...frames)
    for (const n of [5, 6, 7, 8]) expect(await again.next()).toBe(`{"ack":${n},"pos":${n}}`)
    expect(notes.filter((note) => note.length === 1)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('what comes twice is handled once, and what was answered is answered from memory', async () => {
    const { Desk } = desk()
    const one = await start(Desk)
    const ann = await met(one)
    const echo = (n: number) => `{"event":"echo","data":"${n}","id":${n},"pos":${n}}`
    const ack = (n: number) => `{"ack":${n},"data":"${n}","pos":${n}}`
    ann.send(echo(1), echo(1), echo(2))
    expect(await ann.flushed()).toEqual([ack(1), ack(2)])
    ann.vanish()
    await suspended(one)
    const again = await met(one, resuming(ann, 1))
    expect(again.hello.received).toBe(2)
    again.send(echo(1), echo(2), echo(3))
    expect(await again.flushed()).toEqual([ack(2), ack(3)])
    expect(one.app.stats().keptBytes).toBeGreaterThan(0)
    again.send('{"received":3}')
    expect(await again.flushed()).toEqual([])
    expect(one.app.stats().keptBytes).toBe(0)
    // It has said that it has more.
    const third = await met(one, resuming(again, 2))
    expect(third.hello.recovered).toBe(false)
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0, resumesRefused: 1, sessionsResumed: 1 })
  })

  test.each([
    [1000, 'closed 1000'],
    [4000, 'closed 4000'],
    [4408, 'suspended 4408'],
  ])('a client that closes with %d: %s', async (code, note) => {
    const { Desk, notes } = desk()
    const one = await start(Desk)
    const ann = await met(one)
    ann.close(code)
    await until(() => notes.length === 1, 'the end of the line')
    expect(notes).toEqual([note])
    const again = await met(one, resuming(ann, 0))
    expect(again.hello.recovered).toBe(note.startsWith('suspended'))
  })

  test('silence suspends a session, and time ends it', async () => {
    const { Desk, notes } = desk()
    const clock = new HandClock()
    const one = await start(Desk, { clock, limits: { heartbeat: 1_000 } })
    const ann = await met(one)
    clock.advance(4_000)
    expect((await ann.closed()).code).toBe(4408)
    await suspended(one)
    const again = await met(one, resuming(ann, 0))
    expect(again.hello.recovered).toBe(true)
    again.vanish()
    await suspended(one)
    clock.advance(60_000)
    await until(() => notes.length === 4, '@OnClose')
    expect(notes).toEqual(['suspended 4408', 'resumed', 'suspended 1006', 'closed 1006'])
    const late = await met(one, resuming(again, 0))
    expect(late.hello.recovered).toBe(false)
    expect(late.hello.sid).not.toBe(ann.hello.sid)
  })

  test('who stops the app ends the sessions that wait, too', async () => {
    const { Desk, notes } = desk()
    const one = await start(Desk)
    const [ann] = [await met(one), await met(one)]
    ann?.vanish()
    await suspended(one)
    await one.app.stop()
    expect(notes).toEqual(['suspended 1006', 'closed 1001', 'closed 1001'])
    expect(one.app.stats()).toMatchObject({ sockets: 0, suspended: 0 })
  })

  test('a client is asked by its server, and answers though events wait behind the one that asks', async () => {
    const { Desk } = desk()
    const one = await start(Desk, { limits: { waiting: 4 } })
    const ann = await met(one)
    for (let id = 1; id <= 4; id++) ann.send(`{"event":"ask","data":"${id}","id":${id},"pos":${id}}`)
    for (let id = 1; id <= 2; id++) {
      expect(await ann.next()).toBe(`{"event":"answer","data":"${id}","id":${id},"pos":${2 * id - 1}}`)
      ann.send(`{"ack":${id},"data":"yes","pos":${4 + id}}`)
      expect(await ann.next()).toBe(`{"ack":${id},"data":{"answered":"yes"},"pos":${2 * id}}`)
    }
    // The third question has come, and its answer goes over another line.
    await ann.next()
    ann.vanish()
    await suspended(one)
    const again = await met(one, resuming(ann, 4))
    for (let id = 3; id <= 4; id++) {
      expect(await again.next()).toBe(`{"event":"answer","data":"${id}","id":${id},"pos":${2 * id - 1}}`)
      again.send(`{"ack":${id},"data":"yes","pos":${4 + id}}`)
      expect(await again.next()).toBe(`{"ack":${id},"data":{"answered":"yes"},"pos":${2 * id}}`)
    }
  })
}
