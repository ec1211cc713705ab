import { describe } from 'bun:test'
import { nodesContract } from '../contract/nodes.ts'
import { startCluster } from '../redis/server.ts'
import { redisNodes } from './redis-nodes.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('a cluster of three', () => {
  nodesContract('nodes over a Redis cluster', async () => redisNodes(await startCluster(binary as string)))
})
