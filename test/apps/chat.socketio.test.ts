import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { io, type Socket } from 'socket.io-client'
import { TcpProxy } from '../../apps/bench/cuts/proxy.ts'
import { LOG } from '../../apps/chat/log.ts'
import { closeWindows, picture, startChromium, untilShown } from '../support/browser.ts'
import { until } from '../support/until.ts'
import { ChatHouse } from './chat-house.ts'

/** A client of Socket.IO as its package has it, and what it was sent. */
class Guest {
  readonly socket: Socket
  /** Events with their data, and without the offsets after it. */
  readonly events: unknown[] = []

  constructor(transports: string[], url = house.url) {
    this.socket = io(`${url}/chat`, {
      transports,
      forceNew: true,
      reconnectionDelay: 10,
      randomizationFactor: 0,
    })
    this.socket.onAny((event, data) => this.events.push([event, data]))
  }

  ask(event: string, data: object): Promise<unknown> {
    // As long as anything is waited for: a poll for each packet takes its time on a busy machine.
    return this.socket.timeout(15_000).emitWithAck(event, data)
  }

  async next(count: number): Promise<unknown[]> {
    await until(() => this.events.length >= count, `${count} events after ${JSON.stringify(this.events)}`)
    return this.events.splice(0)
  }
}

const guests: Guest[] = []
function guest(...[transports, url]: ConstructorParameters<typeof Guest>): Guest {
  const one = new Guest(transports, url)
  guests.push(one)
  return one
}
// Before the house waits for everybody to be gone.
afterEach(() => {
  for (const { socket } of guests.splice(0)) socket.disconnect()
})

const house = new ChatHouse([{ provide: LOG, useValue: () => {} }])

const failed = (code: string): object => ({ error: { code, message: expect.any(String) } })

describe.each([[['polling']], [['websocket']], [['polling', 'websocket']]])('by %p', (transports) => {
  test('a name comes first; then one joins, talks, renames oneself and leaves, each told to be done or not', async () => {
    const json = await house.person('Jo', 'tea')
    const ada = guest(transports)
    expect(await ada.ask('join', { room: 'tea' })).toEqual(failed('NOT_SIGNED_IN'))
    expect(await ada.ask('sign_in', { name: 'Jo' })).toEqual(failed('NAME_TAKEN'))
    expect(await ada.ask('sign_in', { name: ' Ada ' })).toEqual({ name: 'Ada' })
    expect(await ada.ask('sign_in', { name: 'Eve' })).toEqual(failed('ALREADY_SIGNED_IN'))

    expect(await ada.ask('join', { room: 'tea' })).toBeUndefined()
    expect(await ada.next(1)).toEqual([['joined', { room: 'tea', name: 'Ada' }]])
    expect(await json.next(1)).toEqual([{ event: 'joined', data: { room: 'tea', name: 'Ada' } }])
    expect(await ada.ask('join', { room: 'tea' })).toEqual(failed('ALREADY_IN_ROOM'))
    expect(await ada.ask('who', { room: 'tea' })).toEqual({ names: ['Jo', 'Ada'] })

    expect(await ada.ask('say', { room: 'tea', text: 'cake?' })).toBeUndefined()
    const cake = { room: 'tea', name: 'Ada', text: 'cake?', timestamp: expect.any(Number) }
    expect(await ada.next(1)).toEqual([['said', cake]])
    expect(await json.next(1)).toEqual([{ event: 'said', data: cake }])
    await json.after(['{"event":"say","data":{"room":"tea","text":"two kinds"},"id":2}'], 2)
    expect(await ada.next(1)).toMatchObject([['said', { name: 'Jo', text: 'two kinds' }]])
    expect(await ada.ask('say', { room: 'tea', text: ' ' })).toMatchObject({
      error: { code: 'INVALID_DATA', details: [{ path: ['text'] }] },
    })

    expect(await ada.ask('rename', { name: 'Jo' })).toEqual(failed('NAME_TAKEN'))
    expect(await ada.ask('rename', { name: 'Ada L.' })).toEqual({ name: 'Ada L.' })
    const renamed = { room: 'tea', name: 'Ada L.', was: 'Ada' }
    expect(await ada.next(1)).toEqual([['renamed', renamed]])
    expect(await json.next(1)).toEqual([{ event: 'renamed', data: renamed }])

    expect(await ada.ask('leave', { room: 'tea' })).toBeUndefined()
    expect(await ada.next(1)).toEqual([['left', { room: 'tea', name: 'Ada L.' }]])
    expect(await json.next(1)).toEqual([{ event: 'left', data: { room: 'tea', name: 'Ada L.' } }])
    expect(await ada.ask('leave', { room: 'tea' })).toEqual(failed('NOT_IN_ROOM'))

    await ada.ask('join', { room: 'tea' })
    await json.next(1)
    ada.socket.disconnect()
    expect(await json.next(1)).toEqual([{ event: 'left', data: { room: 'tea', name: 'Ada L.' } }])
  })
})

test('what fails and asked for no ack is told by the event error', async () => {
  const ada = guest(['websocket'])
  ada.socket.emit('say', { room: 'tea', text: 'hello?' })
  expect(await ada.next(1)).toEqual([
    ['error', { code: 'NOT_SIGNED_IN', message: expect.any(String), event: 'say' }],
  ])
})

test('after a cut the client is who it was, where it was, and hears what it missed', async () => {
  const json = await house.person('Jo', 'tea')
  const proxy = await TcpProxy.start(Number(new URL(house.url).port))
  const ada = guest(['websocket'], `http://127.0.0.1:${proxy.port}`)
  await ada.ask('sign_in', { name: 'Ada' })
  await ada.ask('join', { room: 'tea' })
  await json.next(1)
  ada.events.length = 0

  const gone = new Promise((resolve) => ada.socket.once('disconnect', resolve))
  proxy.refuse()
  proxy.reset()
  await gone
  await json.after(['{"event":"say","data":{"room":"tea","text":"one"},"id":2}'], 2)
  proxy.restore()
  expect(await ada.next(1)).toMatchObject([['said', { name: 'Jo', text: 'one' }]])
  expect(ada.socket.recovered).toBe(true)
  expect(await ada.ask('who', { room: 'tea' })).toEqual({ names: ['Jo', 'Ada'] })
  await json.hasHeardNothing()
  ada.socket.disconnect()
  expect(await json.next(1)).toEqual([{ event: 'left', data: { room: 'tea', name: 'Ada' } }])
  proxy.stop()
})

test("Socket.IO's client is served where its own server has it, unmodified", async () => {
  const script = await fetch(`${house.url}/socket.io/socket.io.js`)
  expect(script.headers.get('content-type')).toContain('javascript')
  expect(await script.text()).toBe(
    await Bun.file(Bun.resolveSync('socket.io-client/dist/socket.io.js', import.meta.dir)).text(),
  )
  expect(await (await fetch(`${house.url}/socketio`)).text()).toBe(await (await fetch(house.url)).text())
})

const executablePath = process.env.PARTYLINE_CHROMIUM

describe.skipIf(!executablePath)('the page over Socket.IO', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startChromium(executablePath)
  }, 60_000)
  afterAll(() => browser?.close())
  afterEach(() => closeWindows(browser))

  /** Opens a page in a window of its own, and signs in under that name. */
  async function come(path: string, name: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const page = await context.newPage()
    await page.goto(house.url + path)
    await signIn(page, name)
    await page.locator('#chat').waitFor()
    return page
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.fill('#name', name)
    await page.click('#sign-in')
  }

  async function join(page: Page, room: string): Promise<void> {
    await page.fill('#room', room)
    await page.click('#join')
    await page.locator('#panel-title', { hasText: room }).waitFor()
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.fill('#text', text)
    await page.click('#send')
  }

  async function texts(page: Page, selector: string, expected: string[]): Promise<void> {
    const shown = () => page.locator(selector).allTextContents()
    await until(async () => Bun.deepEquals(await shown(), expected), `${selector} to show ${expected}`)
  }

  const entry = (page: Page, kind: string, text: string) =>
    page.locator(`#logs li[data-kind="${kind}"]`, { hasText: text }).waitFor()

  test('and the usual one are one chat: people meet, talk, rename themselves and leave', async () => {
    const robert = await come('/', 'Robert')
    await join(robert, 'tea')

    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const ada = await context.newPage()
    const asked: string[] = []
    ada.on('request', (request) => asked.push(new URL(request.url()).pathname))
    ada.on('websocket', (socket) => asked.push(new URL(socket.url()).pathname))
    await ada.goto(`${house.url}/socketio`)
    await signIn(ada, 'Robert')
    await ada.locator('#sign-in-problem', { hasText: 'somebody here has that name' }).waitFor()
    await signIn(ada, 'Ada')
    await ada.locator('#chat').waitFor()
    await picture(ada, 'chat-socketio')
    // It polls, and goes over to WebSocket; and no other line is opened.
    expect(asked.filter((path) => path === '/socket.io/').length).toBeGreaterThan(1)
    expect(asked).not.toContain('/chat')

    await join(ada, 'tea')
    await entry(robert, 'joined', 'Ada came in.')
    await texts(ada, '#people li', ['Robert', 'Ada (you)'])
    await say(ada, 'Is there <b>cake</b>?')
    await entry(robert, 'said', 'Is there <b>cake</b>?')
    await say(robert, 'Two kinds.')
    await entry(ada, 'said', 'Two kinds.')

    await ada.fill('#new-name', 'Robert')
    await ada.click('#rename')
    await ada.locator('#problem', { hasText: 'somebody here has that name' }).waitFor()
    await ada.fill('#new-name', 'Ada L.')
    await ada.click('#rename')
    await entry(robert, 'renamed', 'Ada is now Ada L.')
    await entry(ada, 'renamed', 'You are now Ada L.')
    await texts(robert, '#people li', ['Robert (you)', 'Ada L.'])

    await ada.click('#leave')
    await entry(robert, 'left', 'Ada L. went away.')
    await join(ada, 'tea')
    // Who goes to another page has gone, at once.
    await ada.goto('about:blank')
    await texts(robert, '#people li', ['Robert (you)'])
    for (const page of [robert, ada]) await page.context().close()
  }, 60_000)

  test('comes back by itself after a cut, and has what was said meanwhile', async () => {
    const proxy = await TcpProxy.start(Number(new URL(house.url).port))
    const robert = await come('/', 'Robert')
    await join(robert, 'tea')
    const context = await browser.newContext()
    const ada = await context.newPage()
    await ada.goto(`http://127.0.0.1:${proxy.port}/socketio`)
    await signIn(ada, 'Ada')
    await ada.locator('#chat').waitFor()
    await join(ada, 'tea')
    await entry(robert, 'joined', 'Ada came in.')

    proxy.refuse()
    proxy.reset()
    await untilShown(ada, 'reconnecting')
    await say(robert, 'one')
    await entry(robert, 'said', 'one')
    proxy.restore()
    await untilShown(ada, 'open')
    await entry(ada, 'said', 'one')
    await texts(ada, '#logs li > span', ['You came in.', 'one'])
    await texts(ada, '#people li', ['Robert', 'Ada (you)'])
    await ada.goto('about:blank')
    await entry(robert, 'left', 'Ada went away.')
    for (const page of [robert, ada]) await page.context().close()
    proxy.stop()
  }, 60_000)
})
