import { describe, expect, test } from 'bun:test'
import { bytesOf, kept, newName, textOf } from '../contract/broker/network.ts'
import { brokerContract } from '../contract/broker.ts'
import { RedisNetwork } from './network.ts'
import { startCluster } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('a cluster of three', () => {
  brokerContract('the broker over a Redis cluster', async () => {
    return new RedisNetwork(await startCluster(binary as string))
  })

  test('a prefix in braces puts a channel and all that is kept of it into one slot: nothing could be published', async () => {
    const network = new RedisNetwork(await startCluster(binary as string), { prefix: '{app}' })
    const broker = await network.join()
    try {
      const name = newName('broadcast:')
      await broker.streams.append(name, bytesOf('Hello'), { ...kept, open: true })
      const { entries, kept: value } = await broker.streams.read(name, { open: true })
      expect(entries.map(({ bytes }) => textOf(bytes))).toEqual(['Hello'])
      expect(value?.position).toBe(entries[0]?.position)
      expect(await broker.streams.clear(name, { open: true })).toBe(true)
      expect((await broker.streams.read(name, { open: true })).kept).toBeUndefined()
    } finally {
      await broker.stop()
      await network.close()
    }
  }, 60_000)
})
