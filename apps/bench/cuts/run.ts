import { createApp } from 'partyline'
import { seeded } from 'partyline/testing'
import { chromium, type Page } from 'playwright-core'
import { servePage } from '../../shared/serve.ts'
import { CutsGateway } from './gateway.ts'
import { type Kind, kinds } from './kinds.ts'
import { TcpProxy } from './proxy.ts'
import { isWhole, judge, type Verdict } from './sequence.ts'

export interface CutsOptions {
  /** Where Chromium is. */
  executablePath: string | undefined
  /** How often the line is cut, by chance in one of these ways. */
  cuts: number
  kinds: readonly Kind[]
  /** How long each cut lasts, and how long there is at most between two. */
  milliseconds: number
  /** How many events a second go each way. */
  rate: number
  seed: number
  /** The most that the client waits before it comes back, in milliseconds. */
  backoff: number
  /** Hears how many cuts are done. */
  progress?: (done: number) => void
}

export interface CutsResult {
  toServer: Verdict
  toPage: Verdict
  cuts: Partial<Record<Kind, number>>
  calls: number
  /** What became of requests that were not answered as they should be. */
  wrong: string[]
  /** How the lines after the first began: with the session of the one before, or with another. */
  resumed: number
  anew: number
  /** What the client says that it may have lost. */
  lost: number
  /** The longest time without an event of the server's in the page, in milliseconds. */
  silence: number
  /** What the client reported, and the server logged. */
  errors: string[]
  isGood: boolean
}

/** So often the server and the client of a silent line want a sign of life: a stall of two seconds is noticed. */
const HEARTBEAT = 1_000

/** How long what was sent may take once there is a line, in milliseconds. */
const PATIENCE = 10_000

/** What page/cuts.js answers. */
interface PageCuts {
  last(): number
  begin(rate: number): void
  finish(
    patience: number,
  ): Promise<Pick<CutsResult, 'calls' | 'wrong' | 'resumed' | 'anew' | 'lost' | 'errors'> & { sent: number }>
  report(): { heard: number[]; silence: number }
}

declare const cuts: PageCuts

/** Lets a real browser and a server count both ways while the line between them is cut, and compares. */
export async function runCuts(options: CutsOptions): Promise<CutsResult> {
  const random = seeded(options.seed)
  const patience = PATIENCE + options.backoff
  const logged: string[] = []
  const app = createApp(CutsGateway, {
    clientScript: true,
    fetch: servePage(new URL('./page/', import.meta.url), ['index.html', 'cuts.js']),
    limits: { heartbeat: HEARTBEAT },
    logger: { error: (...said) => logged.push(said.join(' ')), warn() {}, info() {} },
  })
  const { url } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  const proxy = await TcpProxy.start(Number(new URL(url).port))
  const chrome = await chromium.launch({
    executablePath: options.executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    const browser = await chrome.newContext()
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${proxy.port}/?backoff=${options.backoff}`)
    const gateway = app.get(CutsGateway)
    await untilArrived(gateway, patience)
    gateway.begin(options.rate)
    await page.evaluate((rate) => cuts.begin(rate), options.rate)
    await untilHeard(page, gateway, patience)

    const done: CutsResult['cuts'] = {}
    for (let i = 0; i < options.cuts; i++) {
      // Some come so soon that what was missed is still on its way.
      await Bun.sleep(random() * (random() < 0.3 ? 30 : options.milliseconds))
      const kind = options.kinds[Math.floor(random() * options.kinds.length)] as Kind
      await kinds[kind]({ browser, proxy }, options.milliseconds)
      done[kind] = (done[kind] ?? 0) + 1
      await untilHeard(page, gateway, patience)
      options.progress?.(i + 1)
    }

    const { sent, errors, ...rest } = await page.evaluate((most) => cuts.finish(most), patience)
    gateway.finish()
    await page.waitForFunction((n) => cuts.last() >= n, gateway.sent, { timeout: patience }).catch(() => {})
    const { heard, silence } = await page.evaluate(() => cuts.report())
    const result = {
      ...rest,
      toServer: judge(sent, gateway.heard),
      toPage: judge(gateway.sent, heard),
      cuts: done,
      silence,
      errors: [...errors, ...logged],
    }
    const faults = rest.wrong.length + rest.anew + rest.lost + result.errors.length
    return { ...result, isGood: faults === 0 && isWhole(result.toServer) && isWhole(result.toPage) }
  } finally {
    await chrome.close()
    proxy.stop()
    await app.stop()
  }
}

/** Waits until the page has a line: it has been shown before that. */
async function untilArrived(gateway: CutsGateway, patience: number): Promise<void> {
  const end = performance.now() + patience
  while (gateway.page === undefined) {
    if (performance.now() > end) throw new Error('the page makes no line')
    await Bun.sleep(5)
  }
}

/** Waits until the page hears what is sent from now on: then there is a line, and not only the rest of one. */
async function untilHeard(page: Page, { sent }: CutsGateway, timeout: number): Promise<void> {
  await page.waitForFunction((n) => cuts.last() > n, sent, { timeout })
}
