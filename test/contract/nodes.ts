import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout } from 'bun:test'
import { calls } from './nodes/calls.ts'
import { delivery } from './nodes/delivery.ts'
import { everywhere } from './nodes/everywhere.ts'
import { Fleet, type NodesNetwork } from './nodes/fleet.ts'
import { listening } from './nodes/listening.ts'

/** What several nodes of an app have to do alike, whatever joins them. `open` makes a network of brokers. */
export function nodesContract(name: string, open: () => Promise<NodesNetwork>): void {
  let network: NodesNetwork
  let fleet: Fleet
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)

  // Above what `until` waits, so that it is said what was waited for.
  setDefaultTimeout(20_000)

  describe(name, () => {
    beforeAll(async () => {
      process.on('unhandledRejection', note)
      network = await open()
    }, 30_000)

    beforeEach(() => {
      fleet = new Fleet(network)
    })

    afterEach(async () => {
      await fleet.finish()
      expect(unhandled.splice(0)).toEqual([])
    })

    afterAll(async () => {
      await network.close()
      process.off('unhandledRejection', note)
    })

    describe('what is emitted', () => delivery(() => fleet))
    describe('what is listened to', () => listening(() => fleet))
    describe('sockets of all nodes', () => everywhere(() => fleet))
    describe('requests to clients of all nodes', () => calls(() => fleet))
  })
}
