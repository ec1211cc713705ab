import { describe } from 'bun:test'
import { RedisWorld } from '../channels/redis-world.ts'
import type { ChannelsNetwork } from '../contract/channels/place.ts'
import { channelsGatewayContract } from '../contract/channels.ts'
import { presenceGatewayContract } from '../contract/presence.ts'
import { RedisServer } from '../redis/server.ts'
import { serveOnBun } from './bun.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('with Redis', () => {
  const open = async (): Promise<ChannelsNetwork> => {
    const world = new RedisWorld([await RedisServer.start(binary as string)])
    return {
      serve: serveOnBun,
      make: async () => (await world.prepare()).broker,
      cut: (broker) => world.cut(broker),
      mend: (broker) => world.mend(broker),
      publish: (name, bytes) => world.publish(name, bytes),
      get: (name) => world.get(name),
      channels: () => world.channels(),
      close: () => world.close(),
    }
  }
  channelsGatewayContract('channels of gateways on Bun, over Redis', open)
  presenceGatewayContract('presence of gateways on Bun, over Redis', open)
})
