import { describe } from 'bun:test'
import { brokerContract } from '../contract/broker.ts'
import { RedisNetwork } from './network.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('a single server', () => {
  brokerContract('the broker over Redis', async () => {
    return new RedisNetwork([await RedisServer.start(binary as string)])
  })
})
