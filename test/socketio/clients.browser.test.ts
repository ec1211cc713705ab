import { describe } from 'bun:test'
import { startChromium } from '../support/browser.ts'
import { built } from './clients/stage.ts'
import { type Client, clientTests } from './clients/suite.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM
const script = 'node_modules/socket.io-client/dist/socket.io.min.js'

async function chromium(): Promise<Client> {
  const [browser, content] = await Promise.all([startChromium(executablePath), built('page.ts', 'browser')])
  return {
    async run(server, control) {
      const page = await (await browser.newContext()).newPage()
      await page.goto(server)
      await page.addScriptTag({ path: script })
      await page.addScriptTag({ content, type: 'module' })
      await page.waitForFunction(() => 'runSocketioCases' in globalThis)
      return page.evaluate(([to, by]) => globalThis.runSocketioCases(to, by), [server, control] as const)
    },
    end: () => browser.close(),
  }
}

describe.skipIf(!executablePath)('in a browser', () => clientTests('Chromium', chromium))
