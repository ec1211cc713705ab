import { describe, expect, test } from 'bun:test'
import { createChat } from '../../apps/chat/app.ts'
import { Audit, TRAIL_LENGTH } from '../../apps/chat/audit/audit.ts'
import { LOG } from '../../apps/chat/log.ts'
import { SLOW } from '../../apps/chat/rooms/slow-events.ts'
import { until } from '../support/until.ts'
import { ChatClient, ChatHouse, failure } from './chat-house.ts'

const lines: string[] = []
const house = new ChatHouse([
  { provide: LOG, useValue: (line: string) => lines.push(line) },
  { provide: TRAIL_LENGTH, useValue: 20 },
  { provide: SLOW, useValue: Number.POSITIVE_INFINITY },
])
const { app } = house

const fault = (ack: number, path: string[]) => ({
  ack,
  error: {
    code: 'INVALID_DATA',
    message: expect.any(String),
    details: [{ path, message: expect.any(String) }],
  },
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
    const stranger = await house.client()
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
    const ada = await house.person('Ada', 'tea')
    const bob = await house.person('Bob', 'tea')
    await ada.next(1)
    expect(await bob.after([`{"event":"${event}","data":${tooLong(data, path)},"id":2}`])).toEqual([
      fault(2, path),
    ])
    await ada.hasHeardNothing()
  })

  test('as long as it may be is taken', async () => {
    const [name, room, text] = ['n'.repeat(32), 'r'.repeat(64), 't'.repeat(2000)]
    const ada = await house.person(` ${name} `, ` ${room} `)
    expect(
      await ada.after([`{"event":"say","data":{"room":"${room}","text":" ${text} "},"id":2}`], 2),
    ).toEqual([{ event: 'said', data: { room, name, text, timestamp: expect.any(Number) } }, { ack: 2 }])
  })
})

describe('the audit trail', () => {
  test('has who did what, and where, refused or not; never what was said', async () => {
    const ada = await house.client()
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
    const ada = await house.client()
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
  const ada = await ChatClient.come(url)
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

test('its page and the client are served beside the gateway, and nothing else of the disk', async () => {
  const { url } = house
  const index = await fetch(url)
  expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(await index.text()).toContain('<!doctype html>')
  for (const path of ['/chat.js', '/rooms.js', '/shared/page.js', '/partyline.js']) {
    expect((await fetch(url + path)).headers.get('content-type')).toContain('javascript')
  }
  for (const path of ['/style.css', '/shared/base.css', '/shared/hero.css', '/shared/panel.css']) {
    expect((await fetch(url + path)).headers.get('content-type')).toContain('css')
  }
  const others = [
    '/main.ts',
    '/../main.ts',
    '/page/index.html',
    '/shared/serve.ts',
    '/shared/',
    '/index.html',
  ]
  for (const path of [...others, '/constructor', '/__proto__']) {
    expect((await fetch(url + path)).status).toBe(404)
  }
})
