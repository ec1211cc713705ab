import { type Broker, MemoryHub, memory } from 'partyline'
import type { MemoryBroker } from '../../lib/broker/memory.ts'
import { App } from '../../lib/core/app.ts'
import { systemClock } from '../../lib/protocol/clock.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import type { ChannelsNetwork } from '../contract/channels/place.ts'
import { channelsGatewayContract } from '../contract/channels.ts'
import { presenceGatewayContract } from '../contract/presence.ts'
import type { Serve } from '../contract/start.ts'
import { serveOnBun } from './bun.ts'

const inMemory: Serve = async (root, options) => {
  const app = new App(root, options, (host) => new MemoryRuntime(host))
  return {
    app,
    fetch: (path, init) => app.runtime.fetch(new Request(`http://localhost${path}`, init)),
    async connect(path, options) {
      const client = await app.runtime.connect(path, options)
      if (client instanceof Response) throw new Error(`refused with ${client.status}`)
      return client
    },
  }
}

for (const [name, serve] of [
  ['in memory', inMemory],
  ['on Bun', serveOnBun],
] as const) {
  const open = async (): Promise<ChannelsNetwork> => {
    const hub = new MemoryHub()
    return {
      serve,
      make: async () => memory({ hub }),
      cut: (broker: Broker) => (broker as MemoryBroker).cut(),
      mend: (broker: Broker) => (broker as MemoryBroker).mend(),
      publish: async (name, bytes) => hub.publish(name, bytes),
      get: async (name) => hub.value(name, systemClock.now()),
      channels: async () => hub.channels,
      async close() {},
    }
  }
  channelsGatewayContract(`channels of gateways ${name}, over the broker in memory`, open)
  presenceGatewayContract(`presence of gateways ${name}, over the broker in memory`, open)
}
