import type { Broker } from '../../lib/broker/broker.ts'
import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { systemClock } from '../../lib/protocol/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { channelsContract } from './contract.ts'

channelsContract('channels over the broker in memory', async () => {
  const hub = new MemoryHub()
  const log = new CollectingLogger()
  return {
    async join() {
      const broker = memory({ hub })
      broker.start({ clock: systemClock, log })
      return broker
    },
    cut: (broker: Broker) => (broker as MemoryBroker).cut(),
    mend: (broker: Broker) => (broker as MemoryBroker).mend(),
    publish: async (name, bytes) => hub.publish(name, bytes),
    get: async (name) => hub.value(name, systemClock.now()),
    set: async (name, bytes) => hub.setValue(name, bytes.slice(), systemClock.now() + 60_000),
    delete: async (name) => void hub.deleteValue(name, systemClock.now()),
    channels: async () => hub.channels.filter((channel) => channel !== 'nodes'),
    async close() {},
  }
})
