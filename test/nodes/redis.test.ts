import { describe } from 'bun:test'
import { nodesContract } from '../contract/nodes.ts'
import { RedisServer } from '../redis/server.ts'
import { redisNodes } from './redis-nodes.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('a single server', () => {
  nodesContract('nodes over Redis', async () => redisNodes([await RedisServer.start(binary as string)]))
})
