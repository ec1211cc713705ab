import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createApp } from 'partyline'
import { page } from '../../apps/party/page.ts'
import { PartyGateway } from '../../apps/party/party.gateway.ts'
import { until } from '../support/until.ts'

/** A plain WebSocket and all that it was sent, in order. */
interface Guest {
  socket: WebSocket
  frames: unknown[]
}

describe('the party, for plain WebSocket clients', () => {
  const app = createApp(PartyGateway, { fetch: page })
  let url: string

  beforeAll(async () => {
    const address = await app.listen({ port: 0, signals: false })
    url = address.url
  })
  afterAll(() => app.stop())

  async function guest(): Promise<Guest> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/party`)
    const frames: unknown[] = []
    socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(data)))
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    return { socket, frames }
  }

  test('speaks exactly the frames that are promised', async () => {
    const robert = await guest()
    robert.socket.send('{"event":"connection","data":{"user":"Robert"},"id":1}')
    await until(() => robert.frames.length === 4, 'Robert to be in')
    const timestamp = expect.any(Number)
    expect(robert.frames.splice(0)).toEqual([
      { event: 'user_joined', data: { message: 'Hey guys, Robert just joined the party!', timestamp } },
      { event: 'welcome', data: { message: 'Welcome to the party Robert!' } },
      { event: 'receive_client', data: { user: 'Robert' } },
      { ack: 1, data: { guests: 1 } },
    ])

    const ada = await guest()
    ada.socket.send('{"event":"connection","data":{"user":"Ada"},"id":0}')
    await until(() => ada.frames.length === 3 && robert.frames.length === 2, 'Ada to be in')
    const joined = {
      event: 'user_joined',
      data: { message: 'Hey guys, Ada just joined the party!', timestamp },
    }
    expect(ada.frames.splice(0)).toEqual([
      joined,
      { event: 'welcome', data: { message: 'Welcome to the party Ada!' } },
      { ack: 0, data: { guests: 2 } },
    ])
    expect(robert.frames.splice(0)).toEqual([joined, { event: 'receive_client', data: { user: 'Ada' } }])

    ada.socket.send('{"event":"say","data":{"message":"hi"}}')
    await until(() => ada.frames.length === 1 && robert.frames.length === 1, 'everybody to hear it')
    const said = { event: 'said', data: { user: 'Ada', message: 'hi', timestamp } }
    expect([ada.frames.splice(0), robert.frames.splice(0)]).toEqual([[said], [said]])

    ada.socket.close()
    await until(() => robert.frames.length === 1, 'Robert to see Ada leave')
    expect(robert.frames.splice(0)).toEqual([{ event: 'user_left', data: { user: 'Ada' } }])
    robert.socket.close()
  })

  test('lets nobody speak who has not come in, and nobody in without a name', async () => {
    const stranger = await guest()
    stranger.socket.send('{"event":"say","data":{"message":"hi"},"id":1}')
    stranger.socket.send('{"event":"connection","data":{"user":" "},"id":2}')
    stranger.socket.send('{"event":"connection","id":3}')
    await until(() => stranger.frames.length === 3, 'three refusals')
    expect(stranger.frames).toEqual([
      { ack: 1, error: { code: 'UNKNOWN_GUEST', message: expect.any(String) } },
      { ack: 2, error: { code: 'INVALID_DATA', message: '"user" is missing or no text' } },
      { ack: 3, error: { code: 'INVALID_DATA', message: '"user" is missing or no text' } },
    ])
    stranger.socket.close()
  })

  test('serves its page beside the gateway, and nothing else of the disk', async () => {
    const index = await fetch(url)
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await index.text()).toContain('<!doctype html>')
    expect((await fetch(`${url}/party.js`)).headers.get('content-type')).toContain('javascript')
    expect((await fetch(`${url}/style.css`)).status).toBe(200)
    for (const path of ['/party.gateway.ts', '/../main.ts', '/constructor', '/__proto__']) {
      expect((await fetch(url + path)).status).toBe(404)
    }
  })
})
