import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { startChromium } from '../support/browser.ts'
import { Program } from '../support/process.ts'
import { until } from '../support/until.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM

describe.skipIf(!executablePath)('the chat, between two browser windows', () => {
  let program: Program
  let browser: Browser
  let url: string

  beforeAll(async () => {
    program = await Program.ready(['apps/chat/main.ts', '--port', '0'])
    url = /http:\S+/.exec(program.stdout)?.[0] ?? ''
    browser = await startChromium(executablePath)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    program?.kill('SIGTERM')
    await program?.ended()
  })

  /** Opens a window of its own, and asks to sign in under that name. */
  async function open(name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    const page = await context.newPage()
    await page.goto(url)
    await picture(page, `chat-welcome-${name}`)
    await page.fill('#name', name)
    await page.click('#sign-in')
    return page
  }

  async function come(name: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const page = await open(name, options)
    await page.waitForSelector('#status[data-state="open"]')
    return page
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

  const entry = (page: Page, kind: string, text: string) =>
    page.locator(`.scroller:not([hidden]) li[data-kind="${kind}"]`, { hasText: text }).waitFor()
  const person = (page: Page, text: string) => page.locator('#people li', { hasText: text })

  /** For a person to look at: PARTYLINE_SCREENSHOTS names a folder. */
  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env.PARTYLINE_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/${name}.png` })
  }

  /** Waits for elements to have these texts: what the page shows follows the frames a moment later. */
  async function texts(page: Page, selector: string, expected: string[]): Promise<void> {
    const shown = () => page.locator(selector).allTextContents()
    await until(async () => Bun.deepEquals(await shown(), expected), `${selector} to show ${expected}`)
  }

  test('people sign in, meet in rooms, talk, rename themselves and leave', async () => {
    const robert = await come('Robert')
    await picture(robert, 'chat-no-room')
    await join(robert, 'Tea & cake')
    await entry(robert, 'joined', 'You came in.')
    await texts(robert, '#people li', ['Robert (you)'])

    const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const
    const ada = await come('Ada', phone)
    await join(ada, 'Tea & cake')
    await entry(robert, 'joined', 'Ada came in.')
    await person(robert, 'Ada').waitFor()
    await person(ada, 'Robert').waitFor()
    await texts(ada, '#people li', ['Robert', 'Ada (you)'])

    await say(ada, 'Is there <b>cake</b>?')
    await entry(robert, 'said', 'Is there <b>cake</b>?')
    await entry(ada, 'said', 'Is there <b>cake</b>?')
    expect(await robert.locator('#logs li[data-kind="said"] b').textContent()).toBe('Ada')
    await say(robert, 'Two kinds, and the kettle is on.')
    await entry(ada, 'said', 'Two kinds, and the kettle is on.')

    // What is said in a room that is not in view is counted, and seen when one looks.
    await join(robert, 'garden')
    await say(ada, 'Robert?')
    await robert.locator('#rooms button', { hasText: 'Tea & cake' }).locator('b', { hasText: '1' }).waitFor()
    await picture(robert, 'chat-unread')
    await robert.locator('#rooms button', { hasText: 'Tea & cake' }).click()
    await entry(robert, 'said', 'Robert?')
    await texts(robert, '#rooms b', [])

    await ada.fill('#new-name', 'Ada L.')
    await ada.click('#rename')
    await entry(robert, 'renamed', 'Ada is now Ada L.')
    await entry(ada, 'renamed', 'You are now Ada L.')
    await person(robert, 'Ada L.').waitFor()
    await person(ada, 'Ada L. (you)').waitFor()
    await picture(robert, 'chat-desktop')
    await picture(ada, 'chat-phone')

    await robert.click('#leave')
    await entry(ada, 'left', 'Robert went away.')
    await texts(robert, '#rooms button', ['garden'])

    await join(robert, 'Tea & cake')
    await ada.close()
    await entry(robert, 'left', 'Ada L. went away.')
    await texts(robert, '#people li', ['Robert (you)'])
    await robert.close()
  }, 60_000)

  test('who takes a name that is taken is told so, and chooses another', async () => {
    const first = await come('Grace')
    const second = await open('Grace')
    await second.locator('#sign-in-problem', { hasText: 'somebody here has that name' }).waitFor()
    await picture(second, 'chat-name-taken')
    await second.fill('#name', 'Grace H.')
    await second.click('#sign-in')
    await second.waitForSelector('#status[data-state="open"]')

    await second.fill('#new-name', 'Grace')
    await second.click('#rename')
    await second.locator('#problem', { hasText: 'somebody here has that name' }).waitFor()
    await first.close()
    await second.close()
  }, 60_000)

  test('who lost the line comes back to the same rooms', async () => {
    const host = await Program.ready(['apps/chat/main.ts', '--port', '0'])
    const first = /http:\S+/.exec(host.stdout)?.[0] ?? ''
    const page = await browser.newPage()
    await page.goto(first)
    await page.fill('#name', 'Mary')
    await page.click('#sign-in')
    await join(page, 'tea')
    host.kill('SIGTERM')
    await host.ended()
    await page.waitForSelector('#closed:not([hidden])')
    await picture(page, 'chat-closed')

    const again = await Program.ready(['apps/chat/main.ts', '--port', new URL(first).port])
    await page.click('#come-back')
    await page.waitForSelector('#status[data-state="open"]')
    await page.locator('.scroller li[data-kind="joined"]').nth(1).waitFor()
    await say(page, 'still here')
    await entry(page, 'said', 'still here')
    await page.close()
    again.kill('SIGTERM')
    await again.ended()
  }, 60_000)
})
