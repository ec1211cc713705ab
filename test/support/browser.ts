import { type Browser, chromium, type Page } from 'playwright-core'

/** Starts the Chromium at that path, which asks nothing of the world outside. */
export function startChromium(executablePath: string | undefined): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

/** Closes all windows: what a test that failed has left open would be in the way of the next, by its name or in its room. */
export async function closeWindows(browser: Browser | undefined): Promise<void> {
  for (const context of browser?.contexts() ?? []) await context.close()
}

/** For a person to look at: PARTYLINE_SCREENSHOTS names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.PARTYLINE_SCREENSHOTS
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` })
}

/** Waits for the page to show a state of its line. */
export async function untilShown(page: Page, state: string): Promise<void> {
  await page.locator(`#status[data-state="${state}"]`).waitFor()
}
