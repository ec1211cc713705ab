import { type Broker } from '../../lib/broker/broker.ts'
import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { systemClock } from '../../lib/protocol/clock.ts'
import { brokerContract } from '../contract/broker.ts'
import { CollectingLogger } from '../support/logger.ts'

const lease = 200

brokerContract('the broker in memory', async () => {
  const hub = new MemoryHub()
  const log = new CollectingLogger()
  const make = (options?: { lease?: number }): { broker: MemoryBroker; start(): void } => {
    const broker = memory({ hub, lease, ...options })
    return { broker, start: () => broker.start({ clock: systemClock, log }) }
  }
  return {
    log,
    lease,
    trims: 'exactly',
    make: () => make(),
    async join(options) {
      const { broker, start } = make(options)
      start()
      return broker
    },
    cut: (broker: Broker) => (broker as MemoryBroker).cut(),
    mend: (broker: Broker) => (broker as MemoryBroker).mend(),
    publish: async (channel, bytes) => hub.publish(channel, bytes),
    channels: async () => hub.channels.filter((channel) => channel !== 'nodes'),
    async close() {},
  }
})
