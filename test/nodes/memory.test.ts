import { type Broker, MemoryHub, memory } from 'partyline'
import type { MemoryBroker } from '../../lib/broker/memory.ts'
import { nodesContract } from '../contract/nodes.ts'

nodesContract('nodes over the broker in memory', async () => {
  const hub = new MemoryHub()
  return {
    make: async ({ lease = 200 } = {}) => memory({ hub, lease }),
    cut: (broker: Broker) => (broker as MemoryBroker).cut(),
    mend: (broker: Broker) => (broker as MemoryBroker).mend(),
    channels: async () => hub.channels.filter((channel) => channel !== 'nodes'),
    keys: async () => [],
    maxPayload: undefined,
    async close() {},
  }
})
