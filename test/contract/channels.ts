import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout } from 'bun:test'
import { delivering } from './channels/delivering.ts'
import { keeping } from './channels/keeping.ts'
import { type ChannelsNetwork, Place } from './channels/place.ts'
import { programs } from './channels/programs.ts'
import { publishing } from './channels/publishing.ts'
import { rules } from './channels/rules.ts'

/** What gateways with channels do alike, on whatever runtime and over whatever broker. */
export function channelsGatewayContract(name: string, open: () => Promise<ChannelsNetwork>): void {
  let network: ChannelsNetwork
  let place: Place
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
      place = new Place(network)
    })
    afterEach(async () => {
      await place.finish()
      expect(unhandled.splice(0)).toEqual([])
    })
    afterAll(async () => {
      await network.close()
      process.off('unhandledRejection', note)
    })

    describe('what is delivered', () => delivering(() => place))
    describe('what is kept', () => keeping(() => place))
    describe('who may', () => rules(() => place))
    describe('what the app publishes', () => publishing(() => place))
    describe('other programs, and a broker that is away', () => programs(() => place))
  })
}
