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

  /** Leaves, and waits until the party knows. */
  async function gone({ socket }: Guest): Promise<void> {
    const before = app.sockets.size
    socket.close()
    await until(() => app.sockets.size < before, 'the guest to be gone')
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
    await gone(robert)
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
    await gone(stranger)
  })

  // One socket could come in again and again, each time as another guest, and its last name left alone.
  test('announces each guest once: who is in does not come in again', async () => {
    const eve = await guest()
    eve.socket.send('{"event":"connection","data":{"user":"Eve"},"id":1}')
    await until(() => eve.frames.length === 4, 'Eve to be in')
    eve.frames.splice(0)
    eve.socket.send('{"event":"connection","data":{"user":"Mallory"},"id":2}')
    eve.socket.send('{"event":"say","data":{"message":"hi"},"id":3}')
    await until(() => eve.frames.length === 3, 'the refusal and what was said')
    expect(eve.frames).toEqual([
      { ack: 2, error: { code: 'ALREADY_IN', message: 'you are at the party already' } },
      { event: 'said', data: { user: 'Eve', message: 'hi', timestamp: expect.any(Number) } },
      { ack: 3 },
    ])
    await gone(eve)
  })

  // It went to the oldest socket, which may be one that only looks through the window.
  test('has guests received by the first guest who is still there, not by who never came in', async () => {
    const stranger = await guest()
    const [first, second, third] = [await guest(), await guest(), await guest()]
    first.socket.send('{"event":"connection","data":{"user":"First"},"id":1}')
    await until(() => first.frames.length === 4, 'the first to be in')
    expect(first.frames[2]).toEqual({ event: 'receive_client', data: { user: 'First' } })
    second.socket.send('{"event":"connection","data":{"user":"Second"},"id":1}')
    await until(() => first.frames.length === 6, 'the second to be in')
    expect(first.frames[5]).toEqual({ event: 'receive_client', data: { user: 'Second' } })

    await gone(first)
    await until(() => second.frames.length === 5, 'the first to have left')
    third.socket.send('{"event":"connection","data":{"user":"Third"},"id":1}')
    await until(() => second.frames.length === 7, 'the third to be in')
    expect(second.frames[6]).toEqual({ event: 'receive_client', data: { user: 'Third' } })
    expect(stranger.frames).not.toContainEqual(expect.objectContaining({ event: 'receive_client' }))
    for (const one of [stranger, second, third]) await gone(one)
  })

  // A name of 60 kB was sent to everybody, each time its owner said something.
  test('takes no name over 40 characters, and no message over 500', async () => {
    const bore = await guest()
    const say = (event: string, data: object, id: number) =>
      bore.socket.send(JSON.stringify({ event, data, id }))
    say('connection', { user: 'x'.repeat(41) }, 1)
    say('connection', { user: ` ${'x'.repeat(40)} ` }, 2)
    say('say', { message: 'y'.repeat(501) }, 3)
    say('say', { message: 'y'.repeat(500) }, 4)
    await until(() => bore.frames.length === 8, 'all answers')
    expect(bore.frames).toEqual([
      { ack: 1, error: { code: 'INVALID_DATA', message: '"user" is longer than 40 characters' } },
      { event: 'user_joined', data: expect.any(Object) },
      { event: 'welcome', data: { message: `Welcome to the party ${'x'.repeat(40)}!` } },
      { event: 'receive_client', data: { user: 'x'.repeat(40) } },
      { ack: 2, data: { guests: 1 } },
      { ack: 3, error: { code: 'INVALID_DATA', message: '"message" is longer than 500 characters' } },
      {
        event: 'said',
        data: { user: 'x'.repeat(40), message: 'y'.repeat(500), timestamp: expect.any(Number) },
      },
      { ack: 4 },
    ])
    await gone(bore)
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
