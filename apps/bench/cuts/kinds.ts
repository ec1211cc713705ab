import type { BrowserContext } from 'playwright-core'
import type { TcpProxy } from './proxy.ts'

/** Ways in which a network fails, for so many milliseconds. */
export const kinds = {
  /** There is no network: lines break, none can be made, and the browser knows it. */
  async offline({ browser, proxy }: Network, milliseconds: number): Promise<void> {
    await browser.setOffline(true)
    proxy.refuse()
    await Bun.sleep(milliseconds)
    proxy.restore()
    await browser.setOffline(false)
  },

  /** As offline, but nobody has told the browser. */
  async refuse({ proxy }: Network, milliseconds: number): Promise<void> {
    proxy.refuse()
    await Bun.sleep(milliseconds)
    proxy.restore()
  },

  /** Nothing goes either way, on new lines neither; then all that waited arrives late. */
  async stall({ proxy }: Network, milliseconds: number): Promise<void> {
    proxy.stall()
    await Bun.sleep(milliseconds)
    proxy.restore()
  },

  /** As a stall, at whose end the lines are reset: what waited is lost. */
  async hang({ proxy }: Network, milliseconds: number): Promise<void> {
    proxy.stall()
    await Bun.sleep(milliseconds)
    proxy.reset()
    proxy.restore()
  },

  /** The line is reset in the middle of a message, and can be made again at once. */
  reset({ proxy }: Network): Promise<void> {
    return proxy.resetInTheMiddle()
  },
} satisfies Record<string, (network: Network, milliseconds: number) => Promise<void>>

export type Kind = keyof typeof kinds

/** What fails. */
export interface Network {
  browser: BrowserContext
  proxy: TcpProxy
}
