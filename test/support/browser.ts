import { type Browser, chromium } from 'playwright-core'

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
