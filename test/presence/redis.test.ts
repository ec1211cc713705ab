import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import { Presence } from '../../lib/presence/presence.ts'
import { newName, until } from '../contract/broker/network.ts'
import { RedisNetwork } from '../redis/network.ts'
import { RedisServer } from '../redis/server.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { LINGER, Watcher, wordsOf } from './node.ts'

// Far above what anything takes, on a machine that has other things to do.
setDefaultTimeout(60_000)

const binary = process.env.PARTYLINE_REDIS

describe.skipIf(!binary)('over Redis', () => {
  let network: RedisNetwork
  let clock: HandClock
  let log: CollectingLogger
  let room: string
  let nodes: { broker: Broker; presence: Presence; watcher: Watcher }[]

  beforeAll(async () => {
    network = new RedisNetwork([await RedisServer.start(binary as string)])
  })
  beforeEach(async () => {
    clock = new HandClock()
    log = new CollectingLogger()
    // Of a node that stops while it is just coming back, others hear when its lease ends.
    room = newName('room')
    nodes = await Promise.all(
      [0, 1, 2].map(async () => {
        const broker = await network.join()
        // Lingering takes as long as the test says; leases are real.
        const presence = new Presence({ broker, path: '/chat', clock, log })
        return { broker, presence, watcher: new Watcher(presence, room) }
      }),
    )
    await Promise.all(nodes.map(({ watcher }) => watcher.watch.ready))
  })
  afterEach(async () => {
    for (const { broker, presence } of nodes) {
      presence.close()
      await broker.stop()
    }
    // What a watcher finds wrong it throws, which is logged.
    expect(log.entries).toEqual([])
  })
  afterAll(() => network.close())

  const place = (at: number): (typeof nodes)[0] => nodes[at] as (typeof nodes)[0]
  const everybody = (...words: string[]): Promise<void> =>
    until(
      () => nodes.every(({ watcher }) => wordsOf(watcher.watch.members).join() === words.join()),
      () => `${words}: ${nodes.map(({ watcher }) => wordsOf(watcher.watch.members)).join(' | ')}`,
    )
  const stories = (): string[][] => nodes.map(({ watcher }) => watcher.next())

  test('members come, change, move and leave, and nothing is left of them', async () => {
    place(0).presence.enter(room, 'a', { id: 'ann', state: { mood: 'glad' } })
    await everybody('ann 1 {"mood":"glad"}')
    place(1).presence.enter(room, 'b', { id: 'ann' })
    place(1).presence.update(room, 'b', { mood: 'sad' })
    await everybody('ann 2 {"mood":"sad"}')
    place(0).presence.leave(room, 'a', { linger: true })
    await everybody('ann 1 {"mood":"sad"}')
    place(1).presence.leave(room, 'b', { linger: true })
    await everybody('ann 0 {"mood":"sad"}')
    clock.advance(LINGER - 1)
    place(2).presence.enter(room, 'b', { id: 'ann', state: { mood: 'sad' } })
    await everybody('ann 1 {"mood":"sad"}')
    expect(wordsOf(await place(0).presence.members(room))).toEqual(['ann 1 {"mood":"sad"}'])
    clock.advance(LINGER)
    place(2).presence.leave(room, 'b', { linger: false })
    await everybody()
    const story = ['+ann{"mood":"glad"}', '~ann{"mood":"sad"}', '-ann']
    expect(stories()).toEqual([story, story, story])

    clock.advance(1_000)
    for (const { watcher } of nodes) watcher.watch.close()
    await until(async () => (await network.channels()).length === 0, 'the subscriptions to end')
    const rosters = async () => (await network.keys()).filter(([key]) => key.includes('roster'))
    await until(async () => (await rosters()).length === 1, 'the last words to be taken back')
    // Its version is remembered for a while.
    expect(await rosters()).toEqual([[`partyline:{presence:/chat:${room}}:roster`, expect.any(Number)]])
    expect((await rosters())[0]?.[1]).toBeGreaterThan(0)
  })

  test('members of a node that is cut off linger after its lease; it sees its own all the time', async () => {
    place(0).presence.enter(room, 'a', { id: 'ann' })
    place(1).presence.enter(room, 'b', { id: 'bob' })
    await everybody('ann 1 {}', 'bob 1 {}')
    stories()
    network.cut(place(1).broker)
    const others = [place(0), place(2)].map(({ watcher }) => watcher.watch)
    await until(
      () => others.every(({ members }) => members.some(({ connections }) => connections === 0)),
      'the lease to end',
    )
    clock.advance(LINGER - 1)
    network.mend(place(1).broker)
    await everybody('ann 1 {}', 'bob 1 {}')
    expect(stories().flat()).toEqual([])
    network.cut(place(1).broker)
    await until(
      () => others.every(({ members }) => members.some(({ connections }) => connections === 0)),
      'the lease to end',
    )
    clock.advance(LINGER)
    await until(() => others.every(({ members }) => members.length === 1), 'the linger to end')
    expect(wordsOf(place(1).watcher.watch.members)).toEqual(['ann 1 {}', 'bob 1 {}'])
    network.mend(place(1).broker)
    await everybody('ann 1 {}', 'bob 1 {}')
    expect(stories()).toEqual([['-bob', '+bob'], [], ['-bob', '+bob']])
  })

  test('members stay through a restart of Redis that forgets everything', async () => {
    for (const [i, { presence }] of nodes.entries()) presence.enter(room, `c${i}`, { id: `user ${i}` })
    await everybody('user 0 1 {}', 'user 1 1 {}', 'user 2 1 {}')
    stories()
    const [server] = network.servers
    await server?.crash()
    server?.forget()
    await until(() => nodes.every(({ broker }) => broker.state === 'away'), 'all to notice')
    place(1).presence.leave(room, 'c1', { linger: true })
    await server?.run()
    await until(() => nodes.every(({ broker }) => broker.state === 'ready'), 'all to be back')
    await everybody('user 0 1 {}', 'user 1 0 {}', 'user 2 1 {}')
    expect(stories().flat()).toEqual([])
    clock.advance(LINGER)
    await everybody('user 0 1 {}', 'user 2 1 {}')
  })

  test('nothing is left of a node that stops', async () => {
    for (const [i, { presence }] of nodes.entries()) presence.enter(room, `c${i}`, { id: `user ${i}` })
    await everybody('user 0 1 {}', 'user 1 1 {}', 'user 2 1 {}')
    place(0).presence.close()
    await place(0).broker.stop()
    await place(1).broker.stop()
    const key = `partyline:{presence:/chat:${room}}:roster`
    const left = (await network.keys()).map(([key]) => key).filter((one) => one.startsWith(key))
    expect(left.toSorted()).toEqual([key, `${key}:${place(2).broker.node}`])
    await until(
      () => place(2).watcher.watch.members.filter(({ connections }) => connections > 0).length === 1,
      'both to go',
    )
  })
})
