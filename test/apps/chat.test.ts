import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { createChat } from '../../apps/chat/app.ts'
import { Audit, TRAIL_LENGTH } from '../../apps/chat/audit/audit.ts'
import { LOG } from '../../apps/chat/log.ts'
import { SLOW } from '../../apps/chat/rooms/slow-events.ts'
import { until } from '../support/until.ts'

/** A plain WebSocket, and what it was sent and nobody has looked at. */
class Client {
  readonly frames: unknown[] = []

  private constructor(readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => this.frames.push(JSON.parse(data)))
  }

  static async come(url: string): Promise<Client> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`)
    const client = new Client(socket)
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    return client
  }

  /** Sends some frames, and gives all that comes until there are as many frames as expected. */
  async after(texts: string[], count = texts.length): Promise<unknown[]> {
    for (const text of texts) this.socket.send(text)
    return this.next(count)
  }

  async next(count: number): Promise<unknown[]> {
    await until(() => this.frames.length >= count, `${count} frames after ${JSON.stringify(this.frames)}`)
    return this.frames.splice(0)
  }

  /** Whether nothing has come: the server answers in order, so that it would have come before this answer. */
  async hasHeardNothing(): Promise<void> {
    expect(await this.after(['{"event":"who","data":{"room":"-"},"id":999}'])).toEqual([
      { ack: 999, data: { names: [] } },
    ])
  }
}

const lines: string[] = []
const app = createChat({
  providers: [
    { provide: LOG, useValue: (line: string) => lines.push(line) },
    { provide: TRAIL_LENGTH, useValue: 20 },
    { provide: SLOW, useValue: Number.POSITIVE_INFINITY },
  ],
})
let url: string
const everybody: Client[] = []

beforeAll(async () => {
  url = (await app.listen({ port: 0, signals: false })).url
})
afterAll(() => app.stop())
afterEach(async () => {
  for (const { socket } of everybody.splice(0)) socket.close()
  await until(() => app.sockets.size === 0, 'everybody to be gone')
})

async function client(): Promise<Client> {
  const come = await Client.come(url)
  everybody.push(come)
  return come
}

/** Somebody who has signed in, and is in these rooms. */
async function person(name: string, ...rooms: string[]): Promise<Client> {
  const come = await client()
  await come.after([`{"event":"sign_in","data":{"name":"${name}"},"id":1}`])
  for (const room of rooms) await come.after([`{"event":"join","data":{"room":"${room}"},"id":1}`], 2)
  return come
}

const failure = (ack: number, code: string) => ({ ack, error: { code, message: expect.any(String) } })
const fault = (ack: number, path: string[]) => ({
  ack,
  error: {
    code: 'INVALID_DATA',
    message: expect.any(String),
    details: [{ path, message: expect.any(String) }],
  },
})

describe('signing in', () => {
  test('comes first: everything else is refused, whatever its data, and does nothing', async () => {
    const ada = await person('Ada', 'tea')
    const stranger = await client()
    expect(
      await stranger.after([
        '{"event":"rename","data":{"name":"Eve"},"id":1}',
        '{"event":"join","data":{"room":"tea"},"id":2}',
        '{"event":"leave","data":{"room":"tea"},"id":3}',
        '{"event":"say","data":{"room":"tea","text":"boo"},"id":4}',
        '{"event":"who","data":{"room":"tea"},"id":5}',
        '{"event":"say","id":6}',
        '{"event":"say","data":{"room":"tea","text":"boo"}}',
      ]),
    ).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((id) => ({
        ack: id,
        error: {
          code: 'NOT_SIGNED_IN',
          message: 'sign in first: send "sign_in" with {"name": your name}',
        },
      })),
      { error: { code: 'NOT_SIGNED_IN', message: expect.stringContaining('sign_in'), event: 'say' } },
    ])
    await ada.hasHeardNothing()
  })

  test('is answered with the name as it is kept: trimmed, and in one spelling', async () => {
    const zoe = await client()
    expect(await zoe.after(['{"event":"sign_in","data":{"name":"  Zoe\\u0301 "},"id":1}'])).toEqual([
      { ack: 1, data: { name: 'Zo\u00e9' } },
    ])
    const other = await client()
    expect(await other.after(['{"event":"sign_in","data":{"name":"Zo\\u00e9"},"id":1}'])).toEqual([
      failure(1, 'NAME_TAKEN'),
    ])
  })

  test('happens once', async () => {
    const ada = await person('Ada')
    expect(await ada.after(['{"event":"sign_in","data":{"name":"Eve"},"id":2}'])).toEqual([
      failure(2, 'ALREADY_SIGNED_IN'),
    ])
    const eve = await client()
    expect(await eve.after(['{"event":"sign_in","data":{"name":"Eve"},"id":1}'])).toEqual([
      { ack: 1, data: { name: 'Eve' } },
    ])
  })

  test('takes no name that somebody has, and any that is free again', async () => {
    const ada = await person('Ada')
    const eve = await client()
    const asAda = '{"event":"sign_in","data":{"name":"Ada"},"id":1}'
    expect(await eve.after([asAda])).toEqual([failure(1, 'NAME_TAKEN')])
    await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])
    expect(await eve.after([asAda])).toEqual([{ ack: 1, data: { name: 'Ada' } }])

    ada.socket.close()
    const third = await client()
    await until(async () => {
      const [answer] = await third.after(['{"event":"sign_in","data":{"name":"Ada L."},"id":1}'])
      return (answer as { data?: object }).data !== undefined
    }, 'the name of who has gone to be free')
  })
})

describe('in rooms', () => {
  test('everybody in the room hears who comes, speaks and leaves; nobody else does', async () => {
    const timestamp = expect.any(Number)
    const ada = await person('Ada', 'tea')
    const cid = await person('Cid', 'garden')
    const bob = await person('Bob')

    const joined = { event: 'joined', data: { room: 'tea', name: 'Bob' } }
    expect(await bob.after(['{"event":"join","data":{"room":" tea "},"id":2}'], 2)).toEqual([
      joined,
      { ack: 2 },
    ])
    expect(await ada.next(1)).toEqual([joined])

    const before = Date.now()
    const said = { event: 'said', data: { room: 'tea', name: 'Bob', text: 'hi', timestamp } }
    const [heard, ack] = await bob.after(['{"event":"say","data":{"room":"tea","text":" hi\\n"},"id":3}'], 2)
    expect([heard, ack]).toEqual([said, { ack: 3 }])
    expect((heard as typeof said).data.timestamp).toBeWithin(before, Date.now() + 1)
    expect(await ada.next(1)).toEqual([said])

    const left = { event: 'left', data: { room: 'tea', name: 'Bob' } }
    expect(await bob.after(['{"event":"leave","data":{"room":"tea"},"id":4}'], 2)).toEqual([left, { ack: 4 }])
    expect(await ada.next(1)).toEqual([left])
    await ada.after(['{"event":"say","data":{"room":"tea","text":"gone?"},"id":5}'], 2)
    await bob.hasHeardNothing()
    await cid.hasHeardNothing()
  })

  test('a new name is told once in each room, with the old one', async () => {
    const ada = await person('Ada', 'tea', 'garden')
    const bob = await person('Bob', 'tea', 'garden')
    const cid = await person('Cid', 'attic')
    await ada.next(2)
    const renamed = ['tea', 'garden'].map((room) => ({
      event: 'renamed',
      data: { room, name: 'Ada L.', was: 'Ada' },
    }))
    expect(await ada.after(['{"event":"rename","data":{"name":" Ada L. "},"id":2}'], 3)).toEqual([
      ...renamed,
      { ack: 2, data: { name: 'Ada L.' } },
    ])
    expect(await bob.next(2)).toEqual(renamed)
    expect(await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":3}'])).toEqual([
      { ack: 3, data: { name: 'Ada L.' } },
    ])
    expect(await bob.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])).toEqual([
      failure(2, 'NAME_TAKEN'),
    ])
    expect(await bob.after(['{"event":"who","data":{"room":"tea"},"id":3}'])).toEqual([
      { ack: 3, data: { names: ['Ada L.', 'Bob'] } },
    ])
    await cid.hasHeardNothing()
  })

  test('who is there can be asked from outside, and nobody is where nobody is', async () => {
    await person('Ada', 'tea')
    await person('Bob', 'tea')
    const cid = await person('Cid')
    expect(
      await cid.after([
        '{"event":"who","data":{"room":"tea"},"id":2}',
        '{"event":"who","data":{"room":"constructor"},"id":3}',
      ]),
    ).toEqual([
      { ack: 2, data: { names: ['Ada', 'Bob'] } },
      { ack: 3, data: { names: [] } },
    ])
  })

  test('one joins before one speaks or leaves, and joins once', async () => {
    const ada = await person('Ada', 'tea')
    const bob = await person('Bob')
    expect(
      await bob.after([
        '{"event":"say","data":{"room":"tea","text":"hi"},"id":2}',
        '{"event":"leave","data":{"room":"tea"},"id":3}',
      ]),
    ).toEqual([failure(2, 'NOT_IN_ROOM'), failure(3, 'NOT_IN_ROOM')])
    expect(await ada.after(['{"event":"join","data":{"room":"tea"},"id":4}'])).toEqual([
      failure(4, 'ALREADY_IN_ROOM'),
    ])
    await ada.hasHeardNothing()
  })

  test('a person is in 50 of them at most', async () => {
    const rooms = Array.from({ length: 50 }, (_, i) => `room ${i}`)
    const ada = await person('Ada', ...rooms)
    expect(await ada.after(['{"event":"join","data":{"room":"one more"},"id":2}'])).toEqual([
      failure(2, 'OVERLOADED'),
    ])
    expect(await ada.after(['{"event":"who","data":{"room":"one more"},"id":3}'])).toEqual([
      { ack: 3, data: { names: [] } },
    ])
  })

  test('who closes the connection has left all of them', async () => {
    const ada = await person('Ada', 'tea', 'garden')
    const bob = await person('Bob', 'tea', 'garden')
    const cid = await person('Cid', 'attic')
    await ada.next(2)
    bob.socket.close()
    expect(await ada.next(2)).toEqual([
      { event: 'left', data: { room: 'tea', name: 'Bob' } },
      { event: 'left', data: { room: 'garden', name: 'Bob' } },
    ])
    await cid.hasHeardNothing()
  })
})

describe('data', () => {
  /** One character more than may be, in place of LONG. */
  const tooLong = (data: string, path: string[]) =>
    data.replace('LONG', 'x'.repeat({ name: 33, room: 65, text: 2001 }[path[0] ?? ''] ?? 0))

  test.each([
    ['sign_in', '{}', ['name']],
    ['sign_in', '{"name":7}', ['name']],
    ['sign_in', '{"name":"  "}', ['name']],
    ['sign_in', '{"name":"LONG"}', ['name']],
    ['sign_in', '"Ada"', []],
  ])('%s with %s is refused, and leaves one unsigned', async (event, data, path) => {
    const stranger = await client()
    expect(
      await stranger.after([
        `{"event":"${event}","data":${tooLong(data, path)},"id":1}`,
        '{"event":"who","data":{"room":"tea"},"id":2}',
      ]),
    ).toEqual([fault(1, path), failure(2, 'NOT_SIGNED_IN')])
  })

  test.each([
    ['rename', '{"name":""}', ['name']],
    ['rename', '{"name":"LONG"}', ['name']],
    ['join', '{"room":"\\t"}', ['room']],
    ['join', '{"room":"LONG"}', ['room']],
    ['join', '["tea"]', []],
    ['leave', '{"room":null}', ['room']],
    ['who', 'null', []],
    ['say', '{"text":"hi"}', ['room']],
    ['say', '{"room":"tea"}', ['text']],
    ['say', '{"room":"tea","text":" "}', ['text']],
    ['say', '{"room":"tea","text":"LONG"}', ['text']],
  ])('%s with %s is refused, and says where', async (event, data, path) => {
    const ada = await person('Ada', 'tea')
    const bob = await person('Bob', 'tea')
    await ada.next(1)
    expect(await bob.after([`{"event":"${event}","data":${tooLong(data, path)},"id":2}`])).toEqual([
      fault(2, path),
    ])
    await ada.hasHeardNothing()
  })

  test('as long as it may be is taken', async () => {
    const [name, room, text] = ['n'.repeat(32), 'r'.repeat(64), 't'.repeat(2000)]
    const ada = await person(` ${name} `, ` ${room} `)
    expect(
      await ada.after([`{"event":"say","data":{"room":"${room}","text":" ${text} "},"id":2}`], 2),
    ).toEqual([{ event: 'said', data: { room, name, text, timestamp: expect.any(Number) } }, { ack: 2 }])
  })
})

describe('the audit trail', () => {
  test('has who did what, and where, refused or not; never what was said', async () => {
    const ada = await client()
    await until(() => app.get(Audit).trail.at(-1)?.did === 'connected', 'the connection to be noted')
    const { length } = lines
    await ada.after(
      [
        '{"event":"join","data":{"room":"tea"},"id":1}',
        '{"event":"sign_in","data":{"name":"Ada"},"id":2}',
        '{"event":"join","data":{"room":"tea"},"id":3}',
        '{"event":"say","data":{"room":"tea","text":"a secret"},"id":4}',
      ],
      6,
    )
    ada.socket.close()
    await until(() => app.get(Audit).trail.at(-1)?.did === 'disconnected', 'the end to be noted')
    const entry = { time: expect.any(Number), socket: app.get(Audit).trail.at(-1)?.socket ?? '' }
    expect(app.get(Audit).trail.slice(-6)).toEqual([
      { ...entry, did: 'connected' },
      { ...entry, did: 'asked to join', room: 'tea' },
      { ...entry, did: 'asked to sign_in' },
      { ...entry, name: 'Ada', did: 'asked to join', room: 'tea' },
      { ...entry, name: 'Ada', did: 'asked to say', room: 'tea' },
      { ...entry, name: 'Ada', did: 'disconnected' },
    ])
    expect(lines.slice(length)).toEqual(
      app
        .get(Audit)
        .trail.slice(-5)
        .map((one) => `audit ${JSON.stringify(one)}`),
    )
    expect(lines.join()).not.toContain('a secret')
  })

  test('keeps the latest only, and little of each, whatever is sent', async () => {
    const room = 'r'.repeat(60_000)
    const ada = await client()
    const texts = Array.from(
      { length: 25 },
      (_, id) => `{"event":"e${id}","data":{"room":"${room}"},"id":${id}}`,
    )
    await ada.after(texts)
    const { trail } = app.get(Audit)
    expect(trail.map(({ did }) => did)).toEqual(Array.from({ length: 20 }, (_, i) => `asked to e${i + 5}`))
    expect(trail.map(({ room }) => room)).toEqual(Array<string>(20).fill('r'.repeat(64)))
  })
})

test('slow events are told to the log, also those that fail', async () => {
  const slow: string[] = []
  const all = createChat({
    providers: [
      { provide: LOG, useValue: (line: string) => line.startsWith('slow') && slow.push(line) },
      { provide: SLOW, useValue: 0 },
    ],
  })
  const { url } = await all.listen({ port: 0, signals: false })
  const ada = await Client.come(url)
  await ada.after([
    '{"event":"sign_in","data":{"name":"Ada"},"id":1}',
    '{"event":"leave","data":{"room":"tea"},"id":2}',
  ])
  await all.stop()
  expect(slow).toEqual([
    expect.stringMatching(/^slow \{"event":"sign_in","milliseconds":\d+\}$/),
    expect.stringMatching(/^slow \{"event":"leave","milliseconds":\d+\}$/),
  ])
  expect(lines.filter((line) => line.startsWith('slow'))).toEqual([])
})

test('its page is served beside the gateway, and nothing else of the disk', async () => {
  const index = await fetch(url)
  expect(index.headers.get('content-type')).toBe('text/html;charset=utf-8')
  expect(await index.text()).toContain('<!doctype html>')
  expect((await fetch(`${url}/chat.js`)).headers.get('content-type')).toContain('javascript')
  expect((await fetch(`${url}/style.css`)).headers.get('content-type')).toContain('css')
  for (const path of ['/main.ts', '/../main.ts', '/page/index.html', '/constructor', '/__proto__']) {
    expect((await fetch(url + path)).status).toBe(404)
  }
})
