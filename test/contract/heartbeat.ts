import { expect, test } from 'bun:test'
import { type CloseReason, Gateway, On, OnClose } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { until } from '../support/until.ts'
import type { Client } from './client.ts'
import type { Start } from './start.ts'

/** An app on a hand-driven clock, and a client that expects pings. */
async function watched(start: Start, subprotocols = ['partyline.json.v1']) {
  const clock = new HandClock()
  const reasons: CloseReason[] = []

  @Gateway('/watched')
  class Watched {
    @On() event() {}

    @OnClose() closed(_: unknown, reason: CloseReason) {
      reasons.push(reason)
    }
  }

  const { app, connect } = await start(Watched, { clock, limits: { heartbeat: 1_000 } })
  const client: Client = await connect('/watched', { subprotocols })
  await until(() => app.sockets.size === 1, 'the socket')
  if (subprotocols.length > 0) await client.next()
  return { app, client, clock, reasons }
}

export function heartbeat(start: Start): void {
  test('a client that is silent is pinged, and closed with 4408 if it stays silent', async () => {
    const { client, clock, reasons } = await watched(start)
    clock.advance(1_999)
    clock.advance(1)
    expect(await client.next()).toBe('{"ping":1}')
    clock.advance(1_000)
    expect(await client.next()).toBe('{"ping":2}')
    clock.advance(999)
    expect(client.isClosed).toBe(false)
    clock.advance(1)
    expect(await client.closed()).toEqual({ code: 4_408, reason: 'heartbeat lost' })
    await until(() => reasons.length === 1, '@OnClose')
    expect(reasons).toEqual([{ code: 4_408, reason: 'heartbeat lost' }])
    expect(client.received).toHaveLength(3)
  })

  test.each(['{"pong":1}', '{"ping":5}', '{"event":"event"}', 'not a frame'])(
    'a client that says anything stays: %s',
    async (frame) => {
      const { app, client, clock } = await watched(start)
      for (let i = 0; i < 6; i++) {
        clock.advance(2_000)
        expect(await client.next()).toBe('{"ping":1}')
        client.send(frame)
        await client.flushed()
      }
      expect(client.isClosed).toBe(false)
      expect(app.sockets.size).toBe(1)
    },
  )

  test('a client that talks is not pinged', async () => {
    const { client, clock } = await watched(start)
    for (let i = 0; i < 6; i++) {
      clock.advance(1_000)
      expect(await client.flushed()).toEqual([])
    }
  })

  // Where the runtime can, it is asked by pings that its code does not see.
  test('a client without a subprotocol is sent no frame, and stays', async () => {
    const { app, client, clock } = await watched(start, [])
    for (let i = 0; i < 6; i++) {
      clock.advance(3_000)
      expect(await client.flushed()).toEqual([])
    }
    expect(app.sockets.size).toBe(1)
  })

  test('a client that has gone is not looked after', async () => {
    const { app, client, clock, reasons } = await watched(start)
    client.close()
    await until(() => app.sockets.size === 0, 'the socket to be gone')
    clock.advance(20_000)
    await app.stop()
    expect(reasons).toEqual([{ code: 1_000, reason: '' }])
  })
}
