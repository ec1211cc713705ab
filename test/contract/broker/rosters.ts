import { expect, test } from 'bun:test'
import type { Broker } from '../../../lib/broker/broker.ts'
import type { RosterEntry } from '../../../lib/broker/rosters.ts'
import { bytesOf, type Join, newName, numbers, textOf, until } from './network.ts'

/** Entries in words, in order; who entered them by the place among some brokers. */
function words(entries: readonly RosterEntry[], ...brokers: Broker[]): string[] {
  const place = (node: string): number => brokers.findIndex((broker) => broker.node === node)
  return entries.map(({ member, node, bytes }) => `${place(node)} ${member} ${textOf(bytes)}`).sort()
}

/** Notes what a watcher is told. */
class Told {
  readonly entered: string[] = []
  readonly left: string[] = []

  changed({ entered, left }: { entered: readonly RosterEntry[]; left: readonly RosterEntry[] }): void {
    this.entered.push(...entered.map(({ member, bytes }) => `${member} ${textOf(bytes)}`))
    this.left.push(...left.map(({ member }) => member))
  }
}

export function rosters(join: Join): void {
  test('list the members of all nodes', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const roster = newName()
    expect(await ann.rosters.list(roster)).toEqual([])
    ann.rosters.enter(roster, 'a', bytesOf('1'))
    ann.rosters.enter(roster, 'b', bytesOf('2'))
    bob.rosters.enter(roster, 'b', bytesOf('3'))
    bob.rosters.enter(roster, 'gone', bytesOf('4'))
    bob.rosters.leave(roster, 'gone')
    bob.rosters.leave(roster, 'never there')
    ann.rosters.enter(`${roster}x`, 'c', bytesOf(''))
    const wanted = ['0 a 1', '0 b 2', '1 b 3']
    for (const broker of [ann, bob]) {
      const list = async () => words(await broker.rosters.list(roster), ann, bob).join()
      await until(async () => (await list()) === wanted.join(), 'all of them')
    }
    ann.rosters.leave(roster, 'b')
    bob.rosters.enter(roster, 'b', bytesOf('5'))
    await until(
      async () => words(await ann.rosters.list(roster), ann, bob).join() === '0 a 1,1 b 5',
      'the change',
    )
  })

  test('are watched: who is there is told, and then who comes, changes and leaves', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const roster = newName()
    ann.rosters.enter(roster, 'a', bytesOf('1'))
    bob.rosters.enter(roster, 'b', bytesOf('2'))
    await until(async () => (await ann.rosters.list(roster)).length === 2, 'both')
    const told = new Told()
    const watching = bob.rosters.watch(roster, told)
    await watching.ready
    expect(told.entered.toSorted()).toEqual(['a 1', 'b 2'])
    expect(words(watching.entries, ann, bob)).toEqual(['0 a 1', '1 b 2'])

    ann.rosters.enter(roster, 'c', bytesOf('3'))
    await until(() => told.entered.includes('c 3'), 'the next one')
    ann.rosters.enter(roster, 'a', bytesOf('4'))
    await until(() => told.entered.includes('a 4'), 'the change')
    ann.rosters.leave(roster, 'c')
    await until(() => told.left.length === 1, 'it to leave')
    bob.rosters.leave(roster, 'b')
    await until(() => told.left.length === 2, 'its own to leave')
    expect(told.left).toEqual(['c', 'b'])
    expect(told.entered).toHaveLength(4)
    expect(words(watching.entries, ann, bob)).toEqual(['0 a 4'])
    watching.close()
    ann.rosters.enter(roster, 'd', bytesOf('5'))
    await until(async () => (await bob.rosters.list(roster)).length === 2, 'another')
    expect(told.entered).toHaveLength(4)
  })

  test('tell nothing of who came and went within a turn, or is as before', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const roster = newName()
    const [here, there] = [new Told(), new Told()]
    ann.rosters.enter(roster, 'stays', bytesOf('1'))
    await Promise.all([ann.rosters.watch(roster, here).ready, bob.rosters.watch(roster, there).ready])
    await until(() => there.entered.length === 1, 'the first')
    ann.rosters.enter(roster, 'flits', bytesOf('1'))
    ann.rosters.leave(roster, 'flits')
    ann.rosters.leave(roster, 'stays')
    ann.rosters.enter(roster, 'stays', bytesOf('1'))
    ann.rosters.enter(roster, 'last', bytesOf('1'))
    await until(() => there.entered.includes('last 1') && here.entered.includes('last 1'), 'the last')
    expect(here).toEqual({ entered: ['stays 1', 'last 1'], left: [] } as unknown as Told)
  })

  test('are the same everywhere after many have come and gone on all nodes at once', async () => {
    const network = join()
    const brokers = await Promise.all([network.join(), network.join(), network.join()])
    const roster = newName()
    const told = brokers.map(() => new Told())
    const early = brokers.slice(0, 2).map((broker, i) => broker.rosters.watch(roster, told[i] as Told))
    const late: typeof early = []
    for (let round = 0; round < 40; round++) {
      for (const [i, broker] of brokers.entries()) {
        broker.rosters.enter(roster, `m${(round * 7) % 23}`, bytesOf(`${i}${round}`))
        broker.rosters.leave(roster, `m${(round * 5 + i) % 23}`)
      }
      if (round % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (round === 20) late.push(brokers[2]?.rosters.watch(roster, told[2] as Told) as (typeof early)[0])
    }
    const all = [...early, ...late]
    await Promise.all(all.map(({ ready }) => ready))
    for (const broker of brokers) broker.rosters.enter(roster, 'last', bytesOf('.'))
    const view = (i: number): string => words(all[i]?.entries ?? [], ...brokers).join()
    const isDone = (i: number): boolean => view(i).split(' last ').length === 4
    await until(() => all.every((_, i) => isDone(i)), 'the last ones')
    await until(() => view(0) === view(1) && view(1) === view(2), 'all to see the same')
    const list = await brokers[0]?.rosters.list(roster)
    expect(words(list ?? [], ...brokers).join()).toBe(view(0))
  })

  test('lose the members of a node that stops at once, and of one that dies when its lease is over', async () => {
    const network = join()
    const [ann, bob, eve] = await Promise.all([network.join(), network.join(), network.join()])
    const roster = newName()
    const told = new Told()
    const watching = ann.rosters.watch(roster, told)
    bob.rosters.enter(roster, 'bob', bytesOf(''))
    eve.rosters.enter(roster, 'eve', bytesOf(''))
    eve.rosters.enter(roster, 'eva', bytesOf(''))
    await until(() => watching.entries.length === 3, 'all three')
    network.cut(eve)
    await until(() => watching.entries.length === 1, 'those of the dead one to be gone')
    expect(told.left.toSorted()).toEqual(['eva', 'eve'])
    expect(words(await ann.rosters.list(roster), ann, bob, eve)).toEqual(['1 bob '])
    // Who begins to watch when it knows that does not see them either.
    await until(() => !bob.nodes.live.includes(eve.node), 'the other to know that it is dead')
    const later = bob.rosters.watch(roster, new Told())
    await later.ready
    expect(words(later.entries, ann, bob, eve)).toEqual(['1 bob '])

    await bob.stop()
    await until(() => watching.entries.length === 0, 'that of the stopped one to be gone')
    expect(await ann.rosters.list(roster)).toEqual([])
    expect(told.left.slice(2)).toEqual(['bob'])
  })

  test('have what a node has entered again when it comes back', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const roster = newName()
    const [ofAnn, ofBob] = [new Told(), new Told()]
    const here = ann.rosters.watch(roster, ofAnn)
    const there = bob.rosters.watch(roster, ofBob)
    bob.rosters.enter(roster, 'stays', bytesOf(''))
    bob.rosters.enter(roster, 'leaves', bytesOf(''))
    ann.rosters.enter(roster, 'ann', bytesOf(''))
    await until(() => here.entries.length === 3 && there.entries.length === 3, 'all of them')
    network.cut(bob)
    await until(() => bob.state === 'away', 'it to be away')
    bob.rosters.leave(roster, 'leaves')
    bob.rosters.enter(roster, 'comes', bytesOf(''))
    ann.rosters.leave(roster, 'ann')
    ann.rosters.enter(roster, 'anna', bytesOf(''))
    // Its own it sees at once, and the others as they were.
    expect(words(there.entries, ann, bob)).toEqual(['0 ann ', '1 comes ', '1 stays '])
    await until(() => here.entries.length === 1, 'the lease to run out')
    network.mend(bob)
    const wanted = ['0 anna ', '1 comes ', '1 stays ']
    await until(() => words(here.entries, ann, bob).join() === wanted.join(), 'all to be back')
    await until(() => words(there.entries, ann, bob).join() === wanted.join(), 'the same there')
    expect(ofBob.left.toSorted()).toEqual(['ann', 'leaves'])
    expect(ofBob.entered.filter((one) => one.startsWith('stays'))).toHaveLength(1)
  })

  test('are many, and large', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const roster = newName()
    for (const member of numbers(2_000)) ann.rosters.enter(roster, member, bytesOf(`state of ${member}`))
    const watching = bob.rosters.watch(roster, new Told())
    await until(() => watching.entries.length === 2_000, 'all of them')
    for (const member of numbers(1_990)) ann.rosters.leave(roster, member)
    await until(() => watching.entries.length === 10, 'most to be gone')
    ann.rosters.enter(roster, 'x'.repeat(1_025), bytesOf(''))
    ann.rosters.enter(roster, 'x'.repeat(1_024), bytesOf(''))
    await until(() => watching.entries.length === 11, 'the one that is not too long')
    expect(ann.counters.dropped).toBe(1)
  })
}
