import type { NodesNetwork } from '../contract/nodes/fleet.ts'
import { RedisNetwork } from '../redis/network.ts'
import type { RedisServer } from '../redis/server.ts'

/** Nodes whose brokers are joined by these servers. */
export function redisNodes(servers: readonly RedisServer[]): NodesNetwork {
  const network = new RedisNetwork(servers)
  return {
    make: async (options = {}) => (await network.prepare(options)).broker,
    cut: (broker) => network.cut(broker),
    mend: (broker) => network.mend(broker),
    channels: () => network.channels(),
    keys: () => network.keys(),
    maxPayload: 1 << 20,
    close: () => network.close(),
  }
}
