import { expect, test } from 'bun:test'
import { Gateway, OnOpen, type Socket } from 'partyline'
import type { Start } from './start.ts'

@Gateway('/hello')
class Hello {
  @OnOpen() opened(socket: Socket) {
    socket.emit('id', socket.id)
  }
}

export function subprotocols(start: Start): void {
  test('a subprotocol that the server knows is chosen and echoed, and hello comes first', async () => {
    const { connect } = await start(Hello, { limits: { heartbeat: 40_000 } })
    const client = await connect('/hello', { subprotocols: ['partyline.json.v1'] })
    expect(client.subprotocol).toBe('partyline.json.v1')
    const hello = JSON.parse((await client.next()) as string) as { hello: { sid: string; heartbeat: number } }
    expect(hello).toEqual({ hello: { sid: expect.stringMatching(/^[0-9a-f-]{36}$/), heartbeat: 40_000 } })
    expect(await client.next()).toBe(`{"event":"id","data":"${hello.hello.sid}"}`)
  })

  test('the first one offered that the server knows is chosen', async () => {
    const { connect } = await start(Hello)
    const client = await connect('/hello', { subprotocols: ['soap', 'partyline.json.v1', 'mqtt'] })
    expect(client.subprotocol).toBe('partyline.json.v1')
    expect(await client.next()).toStartWith('{"hello":')
  })

  test('a client that offers none gets none, and no hello', async () => {
    const { connect } = await start(Hello)
    const client = await connect('/hello')
    expect(client.subprotocol).toBeUndefined()
    expect(await client.next()).toStartWith('{"event":"id"')
    expect(await client.flushed()).toEqual([])
  })

  test('no two sockets have the same id', async () => {
    const { connect } = await start(Hello)
    const ids = new Set<unknown>()
    for (let i = 0; i < 5; i++) ids.add(await (await connect('/hello')).next())
    expect(ids.size).toBe(5)
  })
}
