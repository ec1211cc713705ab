import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { startChromium } from '../support/browser.ts'
import { Program } from '../support/process.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM

describe.skipIf(!executablePath)('the party, between two browser windows', () => {
  let program: Program
  let browser: Browser
  let url: string

  beforeAll(async () => {
    program = await Program.ready(['apps/party/main.ts', '--port', '0'])
    url = program.stdout.replace('listening on', '').trim()
    browser = await startChromium(executablePath)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    program?.kill('SIGTERM')
    await program?.ended()
  })

  /** Opens a window of its own and comes in under that name. */
  async function come(name: string, viewport = { width: 1280, height: 800 }): Promise<Page> {
    const context = await browser.newContext({ viewport })
    const page = await context.newPage()
    await page.goto(url)
    await page.fill('#name', name)
    await page.click('#join')
    await page.waitForSelector('#status[data-state="open"]')
    return page
  }

  const entry = (page: Page, kind: string, text: string) =>
    page.locator(`#log li[data-kind="${kind}"]`, { hasText: text }).waitFor()

  /** For a person to look at: PARTYLINE_SCREENSHOTS names a folder. */
  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env.PARTYLINE_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/${name}.png` })
  }

  test('guests see each other arrive, talk and leave', async () => {
    const robert = await come('Robert')
    await entry(robert, 'welcome', 'Welcome to the party Robert!')
    expect(await robert.textContent('#guests')).toBe('1 guest')

    const ada = await come('Ada', { width: 390, height: 844 })
    await entry(ada, 'welcome', 'Welcome to the party Ada!')
    await entry(robert, 'joined', 'Hey guys, Ada just joined the party!')
    await entry(robert, 'host', 'Ada')
    expect(await ada.textContent('#guests')).toBe('2 guests')
    expect(await robert.textContent('#guests')).toBe('2 guests')
    expect(await ada.locator('#log li[data-kind="host"]').count()).toBe(0)

    await ada.fill('#message', 'Is there <b>cake</b>?')
    await ada.click('#send')
    await entry(robert, 'said', 'Is there <b>cake</b>?')
    await entry(ada, 'said', 'Is there <b>cake</b>?')
    await picture(robert, 'party-desktop')
    await picture(ada, 'party-phone')

    await ada.close()
    await entry(robert, 'left', 'Ada')
    expect(await robert.textContent('#guests')).toBe('1 guest')
    await robert.close()
  }, 60_000)
})
