import { describe } from 'bun:test'
import { brokerContract } from '../contract/broker.ts'
import { RedisNetwork } from './network.ts'
import { startCluster } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('a cluster of three', () => {
  brokerContract('the broker over a Redis cluster', async () => {
    return new RedisNetwork(await startCluster(binary as string))
  })
})
