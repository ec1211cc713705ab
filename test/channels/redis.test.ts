import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { numbers, until } from '../contract/broker/network.ts'
import { RedisServer, startCluster } from '../redis/server.ts'
import { channelsContract } from './contract.ts'
import { RedisWorld } from './redis-world.ts'
import { Node, newChannel } from './world.ts'

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('with Redis', () => {
  channelsContract('channels over a single server', async () => {
    return new RedisWorld([await RedisServer.start(binary as string)])
  })

  channelsContract('channels over a cluster of three', async () => {
    return new RedisWorld(await startCluster(binary as string))
  })

  describe('what is published', () => {
    let world: RedisWorld
    beforeAll(async () => {
      world = new RedisWorld([await RedisServer.start(binary as string)], { prefix: 'app' })
    })
    afterAll(() => world.close())

    test('in one turn leaves in one go', async () => {
      const node = new Node(await world.join())
      const to = newChannel()
      // The server knows the script from then on.
      await node.publisher.publish(to.facility, 'before', { broadcast: true })
      const [way] = world.ways(node.broker)
      const before = way?.writes ?? 0
      await node.publisher.batch(
        numbers(50).map((data) => ({ facility: to.facility, data, broadcast: true, users: ['ann', 'bob'] })),
      )
      expect((way?.writes ?? 0) - before).toBeLessThanOrEqual(2)
      await node.stop()
    })

    test('has the prefix of the broker before its names, and is gone when it has expired', async () => {
      const [ann, bob] = [new Node(await world.join()), new Node(await world.join())]
      const to = newChannel()
      const notes = bob.subscribe(to)
      await notes.subscription.ready
      await ann.publisher.publish(to.facility, 'ours', { broadcast: true, expiry: 60_000 })
      expect(await world.servers[0]?.ask('GET', `app:${to.key}`)).toBe('ours')
      expect(await world.servers[0]?.ask('PUBLISH', `app:${to.key}`, 'Hello')).toBe(1)
      await until(() => notes.told.length === 2, 'both')
      expect(notes.told).toEqual(['ours', 'Hello'])
      for (const [key, ttl] of await world.keys()) expect([key, ttl > 0]).toEqual([key, true])
      await Promise.all([ann.stop(), bob.stop()])
    })
  })
})
