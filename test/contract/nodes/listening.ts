import { expect, test } from 'bun:test'
import { until } from '../broker/network.ts'
import type { Fleet, Nodes } from './fleet.ts'
import { guest, Talk, TalkModule } from './talk.ts'

export function listening(fleet: Nodes): void {
  test('a node listens to what its sockets need, for as long as they do', async () => {
    const one = fleet()
    const [node] = await one.launch(1, TalkModule)
    await listens(one, [])
    const ann = await guest(one, node)
    await listens(one, ['gateway:/talk'])
    const bob = await guest(one, node, 'a', 'b')
    await listens(one, ['gateway:/talk', 'room:/talk#a', 'room:/talk#b'])
    ann.client.send('{"event":"enter","data":["a"]}')
    bob.client.send('{"event":"exit","data":["a","b"]}')
    await listens(one, ['gateway:/talk', 'room:/talk#a'])
    ann.client.send('{"event":"exit","data":["a"]}', '{"event":"enter","data":["a"]}')
    await listens(one, ['gateway:/talk', 'room:/talk#a'])
    ann.client.close()
    await listens(one, ['gateway:/talk'])
    bob.client.vanish()
    await listens(one, [])
  })

  test('who comes again into a room is heard again', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule)
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const member = await guest(one, bob, 'a')
    for (let n = 0; n < 3; n++) {
      await one.settled(Talk, 1)
      one.context(ann, Talk).to('a').emit('n', n)
      expect(await member.next()).toEqual([`{"event":"n","data":${n}}`])
      member.client.send('{"event":"exit","data":["a"]}')
      if (n === 1) await listens(one, ['gateway:/talk'])
      member.client.send('{"event":"enter","data":["a"]}')
    }
  })

  test('nothing is left of nodes that have gone', async () => {
    const one = fleet()
    const nodes = await one.launch(3, TalkModule)
    for (const node of nodes) await guest(one, node, 'a')
    await one.settled(Talk, 3)
    await one.finish()
    await until(async () => (await one.network.channels()).length === 0, 'all to be unsubscribed')
    // What remembers of a roster how far it was, by nodes and in all, and what time it is.
    const left = await one.network.keys()
    expect(left.filter(([, ttl]) => ttl <= 0)).toEqual([])
    expect(left.filter(([key]) => !/partyline:(nodes|\{app\}:roster(:[0-9a-f]{16})?)$/.test(key))).toEqual([])
  })
}

/** Waits until the rooms and gateways that are listened to are these. */
async function listens({ network }: Fleet, expected: string[]): Promise<void> {
  let found: string[] = []
  await until(
    async () => {
      const names = (await network.channels()).flatMap((name) => /(?:room|gateway):.*$/.exec(name)?.[0] ?? [])
      found = [...new Set(names)].sort()
      return String(found) === String(expected)
    },
    () => `${expected} to be listened to, in place of ${found}`,
  )
}
