import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { RedisServer } from '../redis/server.ts'
import { closeWindows, picture, startChromium, untilShown } from '../support/browser.ts'
import { freePort } from '../support/port.ts'
import { Program } from '../support/process.ts'
import { until } from '../support/until.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM
const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!executablePath || !binary)('the channels, in a browser, over Redis', () => {
  let redis: RedisServer
  let program: Program
  let browser: Browser
  let url: string
  let port: number

  beforeAll(async () => {
    redis = await RedisServer.start(binary ?? '')
    port = await freePort()
    program = await start()
    url = /http:\S+/.exec(program.stdout)?.[0] ?? ''
    browser = await startChromium(executablePath)
  }, 60_000)

  afterEach(() => closeWindows(browser))

  afterAll(async () => {
    await browser?.close()
    program?.kill('SIGTERM')
    await program?.ended()
    await redis?.stop()
  })

  function start(): Promise<Program> {
    const args = ['apps/channels/main.ts', '--host', '127.0.0.1', '--port', String(port)]
    return Program.ready(args, { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  }

  async function open(facility: string, context?: BrowserContext): Promise<Page> {
    const own = context ?? (await browser.newContext({ viewport: { width: 1280, height: 900 } }))
    const page = await own.newPage()
    await page.goto(`${url}/?facility=${facility}`)
    await untilShown(page, 'open')
    return page
  }

  async function signIn(page: Page, user: string, groups: string): Promise<void> {
    await page.fill('#user', user)
    await page.fill('#groups', groups)
    await page.click('#sign-in')
    await page.locator('#me-name', { hasText: user }).waitFor()
    await untilShown(page, 'open')
  }

  async function publish(page: Page, audience: string, text: string): Promise<void> {
    await page.fill(`#text-${audience}`, text)
    await page.click(`#publish-${audience} button`)
  }

  /** Waits for a panel to show these messages. */
  async function heard(page: Page, audience: string, expected: string[]): Promise<void> {
    const shown = () => page.locator(`[data-audience="${audience}"] .log li > span`).allTextContents()
    await until(async () => Bun.deepEquals(await shown(), expected), `${audience} to show ${expected}`)
  }

  test('a plain WebSocket hears what redis-cli publishes, and who comes later what is kept', async () => {
    const page = await open('foobar')
    await picture(page, 'channels-anybody')
    expect(await page.locator('[data-audience="user"] input').isVisible()).toBe(false)
    const reached = async () => Number(await redis.ask('PUBLISH', 'broadcast:foobar', 'Hello')) > 0
    await until(reached, 'the node to listen')
    await heard(page, 'broadcast', ['Hello'])
    await redis.ask('PUBLISH', 'broadcast:foobar', Buffer.from([0xff, 0x00]))
    await heard(page, 'broadcast', ['Hello', '2 bytes'])

    await publish(page, 'broadcast', 'Is there <b>cake</b>?')
    await heard(page, 'broadcast', ['Hello', '2 bytes', 'Is there <b>cake</b>?'])
    expect(String(await redis.ask('GET', 'broadcast:foobar'))).toBe('Is there <b>cake</b>?')
    const late = await open('foobar')
    await heard(late, 'broadcast', ['Is there <b>cake</b>?'])
    await late.close()
    await page.close()
  }, 60_000)

  test('all four audiences: everybody, oneself, one’s groups, one’s browser', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const ada = await open('desk', context)
    await signIn(ada, 'ada', 'staff ops')
    const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const
    const elsewhere = await open('desk', await browser.newContext(phone))
    await signIn(elsewhere, 'ada', 'staff')
    const bob = await open('desk')
    await signIn(bob, 'bob', 'staff')
    // The same browser is the same session, without signing in again.
    const tab = await open('desk', context)
    await tab.locator('#me-name', { hasText: 'ada' }).waitFor()

    await publish(bob, 'broadcast', 'to everybody')
    for (const page of [ada, tab, elsewhere, bob]) await heard(page, 'broadcast', ['to everybody'])
    await publish(ada, 'user', 'to ada')
    for (const page of [ada, tab, elsewhere]) await heard(page, 'user', ['to ada'])
    await publish(bob, 'group', 'to staff')
    for (const page of [ada, tab, elsewhere, bob]) await heard(page, 'group', ['to staff'])
    await publish(ada, 'session', 'to this browser')
    for (const page of [ada, tab]) await heard(page, 'session', ['to this browser'])

    await ada.fill('#self-text', 'by HTTP')
    await ada.check('[value="session"]')
    await ada.click('#publish-self')
    await ada.locator('#self-answer', { hasText: 'user:ada:desk' }).waitFor()
    for (const page of [ada, tab, elsewhere]) await heard(page, 'user', ['to ada', 'by HTTP'])
    for (const page of [ada, tab]) await heard(page, 'session', ['to this browser', 'by HTTP'])
    await heard(elsewhere, 'session', [])
    await heard(bob, 'user', [])
    await picture(ada, 'channels-desktop')
    await picture(elsewhere, 'channels-phone')

    await ada.click('#sign-out')
    await ada.locator('#sign-in-form').waitFor()
    await untilShown(tab, 'closed')
    await untilShown(elsewhere, 'open')
    for (const page of [ada, tab, elsewhere, bob]) await page.close()
  }, 60_000)

  test('whoever is nobody is told so', async () => {
    const page = await open('desk')
    await page.fill('#self-text', 'hello?')
    await page.click('#publish-self')
    await page.locator('#self-answer', { hasText: 'sign in first' }).waitFor()
    await page.fill('#user', 'anybody')
    await page.click('#sign-in')
    await page.locator('#sign-in-problem', { hasText: 'everybody else' }).waitFor()
    await picture(page, 'channels-refused')
    await page.close()
  }, 60_000)

  test('who is signed in stays so when the server is another one, and the lines are made again', async () => {
    const page = await open('again')
    await signIn(page, 'mary', 'staff')
    await publish(page, 'user', 'before')
    await heard(page, 'user', ['before'])
    program.kill('SIGTERM')
    await program.ended()
    await untilShown(page, 'reconnecting')
    program = await start()
    await untilShown(page, 'open')
    await heard(page, 'user', ['before', 'before'])
    await publish(page, 'user', 'after')
    await heard(page, 'user', ['before', 'before', 'after'])
    await page.close()
  }, 60_000)
})
