import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import { messages } from './broker/messages.ts'
import { type Network, until } from './broker/network.ts'
import { nodes } from './broker/nodes.ts'
import { outages } from './broker/outages.ts'
import { rosters } from './broker/rosters.ts'
import { shelves } from './broker/shelves.ts'
import { stopping } from './broker/stopping.ts'
import { streams } from './broker/streams.ts'

/** A network, and how it ends. */
export interface OpenNetwork extends Network {
  /** Ends everything that is not ended yet. */
  close(): Promise<void>
}

/** What every broker has to do alike, whatever carries its messages. `open` makes a network of brokers. */
export function brokerContract(name: string, open: () => Promise<OpenNetwork>): void {
  let network: OpenNetwork | undefined
  const joined: Broker[] = []
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)

  /** The network, with a note of who joins it. */
  const join = (): Network => {
    if (network === undefined) throw new Error('there is no network')
    const opened = network
    return {
      log: opened.log,
      lease: opened.lease,
      trims: opened.trims,
      async join(options) {
        const broker = await opened.join(options)
        joined.push(broker)
        return broker
      },
      make() {
        const made = opened.make()
        joined.push(made.broker)
        return made
      },
      cut: (broker) => opened.cut(broker),
      mend: (broker) => opened.mend(broker),
      publish: (channel, bytes) => opened.publish(channel, bytes),
      channels: () => opened.channels(),
    }
  }

  // Above what `until` waits, so that it is said what was waited for.
  setDefaultTimeout(20_000)

  describe(name, () => {
    beforeAll(async () => {
      process.on('unhandledRejection', note)
      network = await open()
    }, 30_000)

    afterEach(async () => {
      for (const broker of joined) network?.mend(broker)
      await Promise.all(joined.splice(0).map((broker) => broker.stop()))
      await until(async () => (await network?.channels())?.length === 0, 'all subscriptions to be gone')
      expect(unhandled.splice(0)).toEqual([])
    })

    afterAll(async () => {
      await network?.close()
      process.off('unhandledRejection', note)
    })

    describe('messages', () => messages(join))
    describe('streams', () => streams(join))
    describe('values and records', () => shelves(join))
    describe('nodes', () => nodes(join))
    describe('rosters', () => rosters(join))
    describe('outages', () => outages(join))
    describe('beginning and end', () => stopping(join))
  })
}
