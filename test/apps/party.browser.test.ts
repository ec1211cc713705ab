import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { TcpProxy } from '../../apps/bench/cuts/proxy.ts'
import { closeWindows, picture, startChromium, untilShown } from '../support/browser.ts'
import { Program } from '../support/process.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM

describe.skipIf(!executablePath)('the party, between two browser windows', () => {
  let program: Program
  let browser: Browser
  let url: string

  beforeAll(async () => {
    program = await Program.ready(['apps/party/main.ts', '--host', '127.0.0.1', '--port', '0'])
    url = program.stdout.replace('listening on', '').trim()
    browser = await startChromium(executablePath)
  }, 60_000)

  afterEach(() => closeWindows(browser))

  afterAll(async () => {
    await browser?.close()
    program?.kill('SIGTERM')
    await program?.ended()
  })

  /** Opens a window of its own and comes in under that name. */
  async function come(name: string, viewport = { width: 1280, height: 800 }, at = url): Promise<Page> {
    const context = await browser.newContext({ viewport })
    const page = await context.newPage()
    await page.goto(at)
    await untilShown(page, 'open')
    await picture(page, `party-invitation-${name}`)
    await page.fill('#name', name)
    await page.click('#join')
    await page.locator('#room').waitFor()
    return page
  }

  const entry = (page: Page, kind: string, text: string) =>
    page.locator(`#log li[data-kind="${kind}"]`, { hasText: text }).waitFor()

  const guests = (page: Page, text: string) => page.locator('#guests', { hasText: text }).waitFor()

  test('guests see each other arrive, talk and leave', async () => {
    const robert = await come('Robert')
    await entry(robert, 'welcome', 'Welcome to the party Robert!')
    await guests(robert, '1 guest')

    const ada = await come('Ada', { width: 390, height: 844 })
    await entry(ada, 'welcome', 'Welcome to the party Ada!')
    await entry(robert, 'joined', 'Hey guys, Ada just joined the party!')
    await entry(robert, 'host', 'Ada')
    for (const page of [ada, robert]) await guests(page, '2 guests')
    expect(await ada.locator('#log li[data-kind="host"]').count()).toBe(0)

    await ada.fill('#message', 'Is there <b>cake</b>?')
    await ada.click('#send')
    await entry(robert, 'said', 'Is there <b>cake</b>?')
    await entry(ada, 'said', 'Is there <b>cake</b>?')
    await picture(robert, 'party-desktop')
    await picture(ada, 'party-phone')

    await ada.close()
    await entry(robert, 'left', 'Ada')
    await guests(robert, '1 guest')
    await robert.close()
  }, 60_000)

  test('a guest whose line breaks comes in again, without being asked to', async () => {
    const proxy = await TcpProxy.start(Number(new URL(url).port))
    const robert = await come('Robert')
    const ada = await come('Ada', undefined, `http://127.0.0.1:${proxy.port}`)
    await guests(ada, '2 guests')

    proxy.refuse()
    await entry(robert, 'left', 'Ada went home.')
    await untilShown(ada, 'reconnecting')
    await ada.locator('#notice', { hasText: 'The line has gone' }).waitFor()
    expect(await ada.locator('#send').isDisabled()).toBe(true)
    expect(await ada.locator('.lantern.lit').count()).toBe(0)
    await picture(ada, 'party-reconnecting')
    proxy.restore()
    await guests(ada, '2 guests')
    await guests(robert, '2 guests')
    expect(await ada.locator('.lantern.lit').count()).toBe(2)
    expect(await ada.locator('#notice').isHidden()).toBe(true)

    await ada.fill('#message', 'Where were we?')
    await ada.click('#send')
    await entry(robert, 'said', 'Where were we?')
    for (const page of [robert, ada]) await page.close()
    proxy.stop()
  }, 60_000)

  test('what a dead line swallowed is told to be uncertain, and is there to be said again', async () => {
    const proxy = await TcpProxy.start(Number(new URL(url).port))
    const ada = await come('Ada', undefined, `http://127.0.0.1:${proxy.port}`)
    proxy.stall()
    await ada.fill('#message', 'Anybody?')
    await ada.click('#send')
    proxy.reset()
    proxy.restore()
    await entry(ada, 'error', 'the line went before the answer came')
    expect(await ada.inputValue('#message')).toBe('Anybody?')
    await guests(ada, '1 guest')
    await ada.click('#send')
    await entry(ada, 'said', 'Anybody?')
    await ada.close()
    proxy.stop()
  }, 60_000)
})
