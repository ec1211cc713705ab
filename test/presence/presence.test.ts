import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import type { PresenceOptions } from '../../lib/presence/presence.ts'
import { HandClock } from '../support/clock.ts'
import { LEASE, LINGER, Node, pass, settle, Watcher, wordsOf } from './node.ts'

let clock: HandClock
let hub: MemoryHub
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
let nodes: Node[]

function join(options?: Partial<PresenceOptions>): Node {
  const node = new Node(hub, clock, options)
  nodes.push(node)
  return node
}

beforeEach(() => {
  clock = new HandClock()
  hub = new MemoryHub()
  nodes = []
})
// What a watcher finds wrong it throws, which is logged.
afterEach(() => expect(nodes.flatMap(({ log }) => log.entries)).toEqual([]))

describe('who is there', () => {
  test('are the users of all nodes, each once, with all of their connections', async () => {
    const [one, two] = [join(), join()]
    one.presence.enter('lobby', 'a', { id: 'ann', state: { mood: 'glad' } })
    two.presence.enter('lobby', 'b', { id: 'ann' })
    two.presence.enter('lobby', 'c', { id: 'bob' })
    two.presence.enter('kitchen', 'd', { id: 'cid' })
    await settle()
    for (const { presence } of [one, two])
      expect(wordsOf(await presence.members('lobby'))).toEqual(['ann 2 {"mood":"glad"}', 'bob 1 {}'])
    expect(await one.presence.members('cellar')).toEqual([])
  })

  test('are told as they come, change and go', async () => {
    const [one, two] = [join(), join()]
    one.presence.enter('lobby', 'a', { id: 'ann' })
    const watcher = new Watcher(one.presence, 'lobby')
    expect(wordsOf(watcher.watch.members)).toEqual(['ann 1 {}'])
    await watcher.watch.ready
    two.presence.enter('lobby', 'b', { id: 'bob' })
    two.presence.enter('lobby', 'c', { id: 'cid', state: [1] })
    await settle()
    two.presence.update('lobby', 'b', { mood: 'sad' })
    two.presence.leave('lobby', 'c', { linger: false })
    await settle()
    expect(watcher.next()).toEqual(['+bob +cid[1]', '~bob{"mood":"sad"} -cid'])
    expect(wordsOf(watcher.watch.members)).toEqual(['ann 1 {}', 'bob 1 {"mood":"sad"}'])
    // Its last words are taken back, of which nobody is told.
    await pass(clock, 2_000)
    expect(await two.broker.rosters.list('presence:/chat:lobby')).toHaveLength(2)
    expect(watcher.next()).toEqual([])
  })

  test('are known when a watch is ready, also to who comes later', async () => {
    const [one, two] = [join(), join()]
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    const first = new Watcher(one.presence, 'lobby')
    expect(first.watch.members).toEqual([])
    await first.watch.ready
    expect(first.next()).toEqual(['+bob'])
    expect(wordsOf(first.watch.members)).toEqual(['bob 1 {}'])
    one.presence.enter('lobby', 'a', { id: 'ann' })
    // Before ann is told, so that it is told to both.
    const second = new Watcher(one.presence, 'lobby')
    expect(wordsOf(second.watch.members)).toEqual(['bob 1 {}'])
    await second.watch.ready
    await settle()
    expect([first.next(), second.next()]).toEqual([['+ann'], ['+ann']])
  })

  test('who comes and goes within a turn, or sets what is set, is nothing to tell', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob', state: { n: 1 } })
    await settle()
    expect(watcher.next()).toEqual(['+bob{"n":1}'])
    for (const linger of [true, false]) {
      two.presence.enter('lobby', 'c', { id: 'cid' })
      two.presence.leave('lobby', 'c', { linger })
    }
    two.presence.update('lobby', 'b', { n: 2 })
    two.presence.update('lobby', 'b', { n: 1 })
    await settle()
    two.presence.update('lobby', 'b', { n: 1 })
    await pass(clock, 2 * LINGER)
    expect(watcher.next()).toEqual([])
  })

  test('many changes of one turn are told in several, none of which is too long', async () => {
    const [one, two] = [join(), join()]
    const lengths: number[] = []
    new Watcher(one.presence, 'lobby', ({ joined }) => lengths.push(joined.length))
    for (let i = 0; i < 600; i++) two.presence.enter('lobby', `connection ${i}`, { id: `user ${i}` })
    await settle()
    expect(lengths.every((length) => length <= 256)).toBe(true)
    expect(lengths.reduce((sum, length) => sum + length)).toBe(600)
    expect(lengths.length).toBeLessThanOrEqual(4)
  })

  test('also where some come and others go', async () => {
    const [one, two] = [join(), join()]
    const lengths: number[] = []
    for (let i = 0; i < 200; i++) two.presence.enter('lobby', `old ${i}`, { id: `old ${i}` })
    await settle()
    new Watcher(one.presence, 'lobby', (change) =>
      lengths.push(change.joined.length + change.changed.length + change.left.length),
    )
    await settle()
    lengths.length = 0
    one.broker.cut()
    for (let i = 0; i < 200; i++) {
      two.presence.leave('lobby', `old ${i}`, { linger: false })
      two.presence.enter('lobby', `new ${i}`, { id: `new ${i}` })
    }
    await settle()
    one.broker.mend()
    await settle()
    expect(lengths.every((length) => length <= 256)).toBe(true)
    expect(lengths.reduce((sum, length) => sum + length)).toBe(400)
  })

  test('rooms and gateways keep to themselves, whatever they are called', async () => {
    const places = [
      ...[
        ['/a', 'b:c'],
        ['/a:b', 'c'],
        ['/a%3ab', 'c'],
        ['/a', '\ud800'],
        ['/a', '\ud801'],
        ['/a', '%d800'],
      ],
      ...[
        ['/a', ''],
        ['/a', ' '],
        ['/a', '{}'],
        ['/a', '%'],
        ['/a', '%25'],
        ['/a', '\u{1f600}'],
      ],
    ] as [string, string][]
    const names = new Set<string>()
    const { rosters } = join().broker
    rosters.enter = (roster) => {
      // What a broker writes down as UTF-8.
      names.add(new TextDecoder().decode(bytesOf(roster)))
    }
    for (const [path, room] of places)
      join({ path, broker: { rosters } }).presence.enter(room, 'a', { id: 'ann' })
    expect(names.size).toBe(places.length)
    expect(names).toContain('presence:/a:\u{1f600}')
  })

  test('are connections behind which nobody is known, for which no user can pass', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    await watcher.watch.ready
    // Somebody who is called like a connection that is not there is like any other.
    two.presence.enter('lobby', 'b', { id: 'a', state: 'false' })
    await settle()
    expect(watcher.next()).toEqual(['+a"false"'])
    one.presence.enter('lobby', 'a', { id: 'a', state: 'true' })
    await settle()
    expect(watcher.next()).toEqual(['~a"true"'])
    two.presence.update('lobby', 'b', 'false again')
    await settle()
    expect(watcher.next()).toEqual([])
    for (const { presence } of [one, two])
      expect(wordsOf(await presence.members('lobby'))).toEqual(['a 1 "true"'])
    // Nor while it may be back.
    two.presence.leave('lobby', 'b', { linger: false })
    one.presence.leave('lobby', 'a', { linger: true })
    await settle()
    two.presence.enter('lobby', 'b', { id: 'a', state: 'me' })
    await settle()
    expect(wordsOf(await one.presence.members('lobby'))).toEqual([])
    one.presence.enter('lobby', 'a', { id: 'a', state: 'true' })
    await pass(clock, 2 * LINGER)
    expect(watcher.next()).toEqual([])
    one.presence.leave('lobby', 'a', { linger: true })
    await pass(clock, LINGER)
    expect(watcher.next()).toEqual(['-a'])
    two.presence.leave('lobby', 'b', { linger: false })
    await pass(clock, 2 * LINGER)
    expect(watcher.next()).toEqual([])
    // When both are gone it is a name like any other.
    two.presence.enter('lobby', 'b', { id: 'a' })
    await settle()
    expect(watcher.next()).toEqual(['+a'])
  })
})

describe('the state of a member', () => {
  test('is what was set last by a connection that is still there', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    one.presence.enter('lobby', 'a', { id: 'ann', state: 'first' })
    clock.advance(1)
    two.presence.enter('lobby', 'b', { id: 'ann', state: 'second' })
    two.presence.enter('lobby', 'c', { id: 'ann' })
    await settle()
    expect(watcher.next().at(-1)).toContain('"second"')
    expect(wordsOf(await two.presence.members('lobby'))).toEqual(['ann 3 "second"'])
    one.presence.update('lobby', 'a', 'third')
    await settle()
    two.presence.update('lobby', 'b', undefined)
    await settle()
    two.presence.update('lobby', 'b', 'fourth')
    await settle()
    two.presence.leave('lobby', 'b', { linger: true })
    await settle()
    one.presence.update('lobby', 'a', undefined)
    await settle()
    expect(watcher.next()).toEqual(['~ann"third"', '~ann"fourth"', '~ann"third"', '~ann'])
    expect(wordsOf(await two.presence.members('lobby'))).toEqual(['ann 2 {}'])
  })

  test('is the last one though its node has a clock that is behind, where it has seen the one before', async () => {
    const ahead = new HandClock(clock.now() + 60_000)
    const [one, two] = [join(), join({ clock: ahead })]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'ann', state: 'ahead' })
    await settle()
    one.presence.enter('lobby', 'a', { id: 'ann', state: 'behind' })
    await settle()
    expect(watcher.next()).toEqual(['+ann"ahead"', '~ann"behind"'])
  })

  test('is small, and what JSON can carry', () => {
    const { presence } = join({ stateBytes: 10 })
    const cycle: unknown[] = []
    cycle.push(cycle)
    const enter = (state: unknown, id = 'ann') => presence.enter('lobby', 'a', { id, state })
    enter('12345678')
    enter(null)
    for (const state of ['123456789', 'äääää', cycle, 1n, () => {}, Symbol('state')])
      expect(() => enter(state)).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }))
    expect(() => enter('äääää')).toThrow(
      'the state of a member has 12 bytes or more as JSON, and 10 is the most',
    )
    expect(() => presence.update('lobby', 'a', cycle)).toThrow('nothing that JSON can carry')
    enter(1, 'ä'.repeat(512))
    expect(() => enter(1, 'ä'.repeat(513))).toThrow('the id of a member has 1026 bytes, and 1024 is the most')
    expect(() => presence.enter('lobby', 'c'.repeat(1_025), { id: 'ann' })).toThrow(TypeError)
  })
})

describe('who goes', () => {
  test('for less than the linger has not left, wherever he comes back', async () => {
    const [one, two, three] = [join(), join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob', state: 1 })
    await settle()
    const idle = clock.pending
    watcher.next()
    two.presence.leave('lobby', 'b', { linger: true })
    await pass(clock, LINGER - 1)
    expect(wordsOf(watcher.watch.members)).toEqual(['bob 0 1'])
    expect(await one.presence.members('lobby')).toEqual([])
    await settle()
    three.presence.enter('lobby', 'c', { id: 'bob', state: 1 })
    await settle()
    expect(clock.pending).toBe(idle)
    await pass(clock, 2 * LINGER)
    expect(watcher.next()).toEqual([])
    expect(wordsOf(watcher.watch.members)).toEqual(['bob 1 1'])
    three.presence.leave('lobby', 'c', { linger: true })
    await pass(clock, LINGER - 1)
    expect(watcher.next()).toEqual([])
    await pass(clock, 1)
    expect(watcher.next()).toEqual(['-bob'])
  })

  test('on purpose leaves at once, where no other connection is there or may be back', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    one.presence.enter('lobby', 'c', { id: 'bob' })
    two.presence.enter('lobby', 'd', { id: 'dan' })
    two.presence.enter('lobby', 'e', { id: 'dan' })
    await settle()
    watcher.next()
    one.presence.leave('lobby', 'c', { linger: false })
    two.presence.leave('lobby', 'd', { linger: true })
    await settle()
    expect(watcher.next()).toEqual([])
    two.presence.leave('lobby', 'b', { linger: false })
    two.presence.leave('lobby', 'e', { linger: false })
    await settle()
    expect(watcher.next()).toEqual(['-bob'])
    await pass(clock, LINGER)
    expect(watcher.next()).toEqual(['-dan'])
  })

  test('on purpose after he has come from another node, all of which is told together, leaves at once', async () => {
    const [one, two, three] = [join(), join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    one.broker.cut()
    three.presence.enter('lobby', 'c', { id: 'bob' })
    two.presence.leave('lobby', 'b', { linger: true })
    await settle()
    one.broker.mend()
    await settle()
    three.presence.leave('lobby', 'c', { linger: false })
    await settle()
    expect(watcher.next()).toEqual(['+bob', '-bob'])
  })

  test('waits from his last connection on, and holds up nobody else', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'a', { id: 'ann' })
    for (const id of ['ann', 'bob', 'cid']) two.presence.enter('lobby', id, { id })
    await settle()
    watcher.next()
    two.presence.leave('lobby', 'a', { linger: true })
    await pass(clock, 5_000)
    two.presence.leave('lobby', 'bob', { linger: true })
    await pass(clock, 3_000)
    two.presence.leave('lobby', 'cid', { linger: true })
    await pass(clock, 2_000)
    two.presence.leave('lobby', 'ann', { linger: true })
    await pass(clock, LINGER - 5_000)
    expect(watcher.next()).toEqual(['-bob'])
    await pass(clock, 3_000)
    expect(watcher.next()).toEqual(['-cid'])
    await pass(clock, 1_999)
    expect(watcher.next()).toEqual([])
    await pass(clock, 1)
    expect(watcher.next()).toEqual(['-ann'])
  })

  test('on purpose where his session has moved leaves at once, though the node before has it still', async () => {
    const [one, two, three] = [join(), join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    for (const { presence } of [two, three]) presence.enter('lobby', 'a', { id: 'ann' })
    await settle()
    expect(watcher.next()).toEqual(['+ann'])
    three.presence.leave('lobby', 'a', { linger: false })
    await settle()
    expect(watcher.next()).toEqual(['-ann'])
  })

  test('on purpose and comes again before his entry is gone, is there', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    two.presence.leave('lobby', 'b', { linger: false })
    two.presence.leave('lobby', 'b', { linger: true })
    two.presence.update('lobby', 'b', 'nobody')
    await pass(clock, 500)
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await pass(clock, 2 * LINGER)
    expect(watcher.next()).toEqual(['+bob', '-bob', '+bob'])
    expect(wordsOf(await one.presence.members('lobby'))).toEqual(['bob 1 {}'])
  })

  test('with a linger of 0 leaves at once in any case', async () => {
    const [one, two] = [join({ linger: 0 }), join({ linger: 0 })]
    const watcher = new Watcher(one.presence, 'lobby')
    for (const linger of [true, false]) {
      two.presence.enter('lobby', 'b', { id: 'bob' })
      await settle()
      two.presence.leave('lobby', 'b', { linger })
      await settle()
    }
    expect(watcher.next()).toEqual(['+bob', '-bob', '+bob', '-bob'])
  })

  test('because his connection is another user by now, leaves at once', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    two.presence.enter('lobby', 'b', { id: 'ann' })
    await settle()
    expect(watcher.next()).toEqual(['+bob', '+ann -bob'])
  })

  test('with a node that is killed is told after its lease and the linger, unless he comes back', async () => {
    const [one, two, three] = [join(), join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    await pass(clock, 3 * LEASE)
    two.presence.enter('lobby', 'b', { id: 'bob' })
    two.presence.enter('lobby', 'c', { id: 'cid' })
    await settle()
    two.kill()
    await pass(clock, LEASE / 4)
    // Its session comes back on another node, while the one that is dead still has its lease.
    three.presence.enter('lobby', 'c', { id: 'cid' })
    three.presence.enter('lobby', 'd', { id: 'cid' })
    await settle()
    expect(watcher.next()).toEqual(['+bob +cid'])
    expect(wordsOf(watcher.watch.members)).toEqual(['bob 1 {}', 'cid 2 {}'])
    await pass(clock, LEASE / 4 + LINGER)
    expect(watcher.next()).toEqual([])
    await pass(clock, (5 / 6) * LEASE)
    expect(watcher.next()).toEqual(['-bob'])
    expect(wordsOf(watcher.watch.members)).toEqual(['cid 2 {}'])
  })

  test('with a node that stops is told after the linger', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    await two.stop()
    await pass(clock, LINGER - 1)
    expect(watcher.next()).toEqual(['+bob'])
    await pass(clock, 1)
    expect(watcher.next()).toEqual(['-bob'])
  })

  test('while the broker is away, is told when it is back; here all goes on', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    two.presence.enter('lobby', 'c', { id: 'cid' })
    await settle()
    one.broker.cut()
    one.presence.enter('lobby', 'a', { id: 'ann' })
    two.presence.leave('lobby', 'b', { linger: true })
    await pass(clock, LEASE / 2)
    expect(watcher.next()).toEqual(['+bob +cid', '+ann'])
    expect(wordsOf(await one.presence.members('lobby'))).toEqual(['ann 1 {}', 'bob 1 {}', 'cid 1 {}'])
    await expect(one.presence.members('kitchen')).rejects.toMatchObject({ code: 'AWAY' })
    one.broker.mend()
    await pass(clock, LINGER - 1)
    expect(watcher.next()).toEqual([])
    await pass(clock, 1)
    expect(watcher.next()).toEqual(['-bob'])
  })
})

describe('a watcher', () => {
  test('that throws is logged, and keeps nobody from hearing it', async () => {
    const node = join()
    node.presence.watch('lobby', () => {
      throw new Error('oh')
    })
    const watcher = new Watcher(node.presence, 'lobby')
    node.presence.enter('lobby', 'a', { id: 'ann' })
    await settle()
    expect(watcher.next()).toEqual(['+ann'])
    expect(node.log.take().map(({ message }) => message)).toEqual(['a listener of a presence threw'])
  })

  test('that has ended hears nothing, also where another ends it', async () => {
    const node = join()
    node.presence.watch('lobby', () => watcher.watch.close())
    const watcher: Watcher = new Watcher(node.presence, 'lobby')
    node.presence.enter('lobby', 'a', { id: 'ann' })
    await settle()
    expect(watcher.next()).toEqual([])
  })

  test('that begins while another is told knows that already, and is not told', async () => {
    const node = join()
    const begun: Watcher[] = []
    node.presence.watch('lobby', () => begun.push(new Watcher(node.presence, 'lobby')))
    node.presence.enter('lobby', 'a', { id: 'ann' })
    await settle()
    expect(begun.map(({ watch }) => wordsOf(watch.members))).toEqual([['ann 1 {}']])
    expect(begun[0]?.next()).toEqual([])
  })

  test('skips what it cannot read, counts it, and logs it once', async () => {
    const [one, two] = [join(), join()]
    const watcher = new Watcher(one.presence, 'lobby')
    two.presence.enter('lobby', 'b', { id: 'bob' })
    await settle()
    const garbage = ['', '{}', '[1]', '["ann",1]', '["ann",0,1]', '["ann",1.5,1]', '["ann",1,1,1]', '\ufffd']
    for (const [i, text] of garbage.entries())
      two.broker.rosters.enter('presence:/chat:lobby', `x${i}`, bytesOf(text))
    two.broker.rosters.enter('presence:/chat:lobby', 'good', bytesOf('["ann",1,1]'))
    await settle()
    expect(watcher.next()).toEqual(['+bob', '+ann1'])
    expect(one.presence.garbage).toBe(garbage.length)
    expect(one.log.take()).toHaveLength(1)
    // One that could be read before counts as gone.
    two.broker.rosters.enter('presence:/chat:lobby', 'b', bytesOf('["bob",1,1,1]'))
    await pass(clock, LINGER)
    expect(watcher.next()).toEqual(['-bob'])
  })
})

test('nothing is left of what was watched and has left', async () => {
  const nodes = [join(), join(), join()]
  await settle()
  const idle = clock.pending
  const channels = hub.channels.length
  const watches = nodes.flatMap(({ presence }) => [
    ...['lobby', 'lobby', 'kitchen'].map((room) => presence.watch(room, () => {})),
  ])
  for (const [i, { presence }] of nodes.entries())
    for (const room of ['lobby', 'kitchen'])
      for (let n = 0; n < 5; n++) presence.enter(room, `${i} ${n}`, { id: `user ${n}` })
  await settle()
  expect(hub.channels.length).toBe(channels + 6)
  for (const [i, { presence }] of nodes.entries())
    for (const room of ['lobby', 'kitchen'])
      for (let n = 0; n < 5; n++) presence.leave(room, `${i} ${n}`, { linger: n % 2 === 0 })
  await settle()
  for (const watch of watches) watch.close()
  await pass(clock, 1_000)
  expect(hub.channels.length).toBe(channels)
  expect(clock.pending).toBe(idle)
  for (const room of ['lobby', 'kitchen']) expect(hub.roster(`presence:/chat:${room}`).entries).toEqual([])
})

test('a presence that is closed has nothing in the broker and in the clock, and takes nothing more', async () => {
  const [one, two] = [join(), join()]
  await settle()
  const idle = clock.pending
  const channels = hub.channels.length
  const watcher = new Watcher(one.presence, 'lobby')
  for (const id of ['a', 'b', 'c']) one.presence.enter('lobby', id, { id })
  two.presence.enter('lobby', 'd', { id: 'd' })
  await settle()
  one.presence.leave('lobby', 'a', { linger: false })
  one.presence.leave('lobby', 'b', { linger: true })
  two.presence.leave('lobby', 'd', { linger: true })
  await settle()
  one.presence.close()
  watcher.watch.close()
  one.presence.enter('lobby', 'e', { id: 'e' })
  expect(one.presence.watch('lobby', () => {}).members).toEqual([])
  await settle()
  expect(clock.pending).toBe(idle)
  expect(hub.channels.length).toBe(channels)
  expect(hub.roster('presence:/chat:lobby').entries).toEqual([])
})

test('a linger or a size that is none is refused', () => {
  expect(() => join({ linger: -1 })).toThrow('linger of a presence is -1')
  expect(() => join({ linger: Number.POSITIVE_INFINITY })).toThrow(TypeError)
  expect(() => join({ stateBytes: Number.NaN })).toThrow('stateBytes of a presence is NaN')
})
