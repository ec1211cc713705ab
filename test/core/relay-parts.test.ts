import { describe, expect, test } from 'bun:test'
import { memory } from '../../lib/broker/memory.ts'
import { AgreedBase } from '../../lib/core/agreed-base.ts'
import { Early } from '../../lib/core/early.ts'
import { OwnEntries } from '../../lib/core/own-entries.ts'
import type { Outgoing } from '../../lib/core/relay.ts'
import { Untold } from '../../lib/core/untold.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'

/** A broadcast that is known by its room. */
function to(room: string): Outgoing {
  return { rooms: [room], exceptIds: [], exceptRooms: [], payloads: [] }
}

function roomsOf(sent: readonly Outgoing[]): (string | undefined)[] {
  return sent.map(({ rooms }) => rooms?.[0])
}

describe('what a node has given to the stream', () => {
  function entries(): { own: OwnEntries; alone: Outgoing[]; tags: number[] } {
    const alone: Outgoing[] = []
    const own = new OwnEntries((outgoing) => alone.push(outgoing))
    return { own, alone, tags: ['one', 'two', 'three'].map((room) => own.add(to(room))) }
  }

  test('what failed waits for those before it, and is not delivered before them', () => {
    const { own, alone, tags } = entries()
    const [one = 0, two = 0] = tags
    own.failed(two, 'sure')
    expect(alone).toEqual([])
    expect(own.came(one)).toEqual(to('one'))
    expect(alone).toEqual([])
    own.settle()
    expect(roomsOf(alone)).toEqual(['two'])
  })

  test('where a later one comes, those before it come no more: they are delivered first', () => {
    const { own, alone, tags } = entries()
    expect(own.came(tags[2] as number)).toEqual(to('three'))
    expect(roomsOf(alone)).toEqual(['one', 'two'])
  })

  test('what turns up all the same is not delivered twice; what surely failed is not expected to', () => {
    const { own, alone, tags } = entries()
    const [one = 0, two = 0] = tags
    own.failed(one, 'unsure')
    own.failed(two, 'sure')
    expect(roomsOf(alone)).toEqual(['one', 'two'])
    expect([own.came(one), own.came(one), own.came(two)]).toEqual(['twice', 'unknown', 'unknown'])
  })

  test('what was passed over in the stream is delivered by nobody, and what failed after it is', () => {
    const { own, alone, tags } = entries()
    const [one = 0, two = 0, three = 0] = tags
    own.appended(one, 5)
    own.failed(three, 'sure')
    own.passed(7)
    expect(alone).toEqual([])
    // Its answer comes later than what says that it is passed over.
    own.appended(two, 7)
    expect(roomsOf(alone)).toEqual(['three'])
    expect([own.came(one), own.came(two)]).toEqual(['unknown', 'unknown'])
  })

  test('and one that was not passed over yet still comes', () => {
    const { own, alone, tags } = entries()
    const [one = 0, two = 0] = tags
    own.appended(one, 5)
    own.appended(two, 8)
    own.passed(7)
    expect(own.came(two)).toEqual(to('two'))
    expect(alone).toEqual([])
  })

  test('too late for waiting, all is delivered in order, and what says nothing to anybody goes on waiting', () => {
    const { own, alone } = entries()
    const hole = own.add(undefined)
    own.abandon()
    expect(roomsOf(alone)).toEqual(['one', 'two', 'three'])
    expect(own.came(hole)).toBeUndefined()
    const other = own.add(undefined)
    own.abandon(true)
    expect(own.came(other)).toBe('twice')
  })

  test('of what may turn up still it remembers the last ten thousand', () => {
    const own = new OwnEntries(() => {})
    for (let i = 1; i <= 10_001; i++) own.failed(own.add(to('x')), 'unsure')
    expect([own.came(1), own.came(2)]).toEqual(['unknown', 'twice'])
  })
})

describe('what the others are to be told of', () => {
  function untold(): { untold: Untold; told: (readonly string[] | undefined)[]; clock: HandClock } {
    const told: (readonly string[] | undefined)[] = []
    const clock = new HandClock()
    const send = (rooms: readonly string[] | undefined): Promise<unknown> => {
      told.push(rooms)
      return Promise.resolve()
    }
    return { untold: new Untold({ clock, isReady: () => true, send }), told, clock }
  }

  test('is a list of rooms, once each', () => {
    const { untold: all, told, clock } = untold()
    all.add(['a', 'b'])
    all.add(['b'])
    clock.advance(1_000)
    expect(told).toEqual([['a', 'b']])
  })

  test('is everybody where it was for everybody, whatever comes after that', () => {
    const { untold: all, told } = untold()
    all.add(['a'])
    all.add(undefined)
    all.add(['b'])
    all.tell()
    expect(told).toEqual([undefined])
  })

  test('and where it was for more than a thousand rooms', () => {
    const { untold: all, told } = untold()
    const rooms = Array.from({ length: 1_000 }, (_, i) => `${i}`)
    all.add(rooms)
    all.tell()
    all.add([...rooms, 'more'])
    all.tell()
    expect(told).toEqual([rooms, undefined])
  })

  test('is told when it has come back, or is known to come no more', () => {
    const { untold: all } = untold()
    all.add(['a'])
    all.tell()
    expect(all.isTelling).toBe(true)
    all.came()
    expect(all.isTelling).toBe(false)
    all.add(['b'])
    all.tell()
    all.forgetUnderWay()
    expect(all.isTelling).toBe(false)
  })

  test('leaves no timer when it is stopped', () => {
    const { untold: all, clock } = untold()
    all.add(['a'])
    all.stop()
    expect(clock.pending).toBe(0)
  })
})

describe('what is published before a node has caught up', () => {
  test('waits, and comes in order; after that nothing waits', () => {
    const [clock, late]: [HandClock, Outgoing[]] = [new HandClock(), []]
    const early = new Early(clock, (outgoing) => late.push(outgoing))
    expect(early.hold(to('none'))).toBe(false)
    early.open(2_000)
    for (const room of ['one', 'two']) expect(early.hold(to(room))).toBe(true)
    expect(roomsOf(early.take())).toEqual(['one', 'two'])
    expect([early.hold(to('three')), clock.pending, late]).toEqual([false, 0, []])
  })

  test('does not wait for ever, and no more than a thousand do', () => {
    const [clock, late]: [HandClock, Outgoing[]] = [new HandClock(), []]
    const early = new Early(clock, (outgoing) => late.push(outgoing))
    early.open(2_000)
    early.hold(to('one'))
    clock.advance(2_000)
    expect(roomsOf(late.splice(0))).toEqual(['one'])
    early.open(2_000)
    for (let i = 0; i < 1_000; i++) early.hold(to('x'))
    expect(late).toEqual([])
    early.hold(to('last'))
    expect([late.length, roomsOf(late).at(-1)]).toEqual([1_001, 'last'])
  })
})

describe('from where positions are counted', () => {
  const HOUR = 60 * 60_000

  function agreed(): {
    clock: HandClock
    make: () => AgreedBase
    read: () => Promise<string | undefined>
    end: () => Promise<void>
  } {
    const clock = new HandClock()
    const broker = memory()
    broker.start({ clock, log: new CollectingLogger() })
    let last = 7
    return {
      clock,
      make: () => new AgreedBase({ broker, path: '/desk', tick: async () => ++last }),
      read: async () => {
        const record = await broker.records.read('base:/desk')
        return record && new TextDecoder().decode(record.bytes)
      },
      end: () => broker.stop(),
    }
  }

  test('is one for nodes that begin at the same time, and those that come later', async () => {
    const { make, end } = agreed()
    expect(await Promise.all([make().agree(), make().agree()])).toEqual([7, 7])
    expect(await make().agree()).toBe(7)
    await end()
  })

  test('is remembered for two days from when it was last asked for, or looked at', async () => {
    const { clock, make, read, end } = agreed()
    const base = make()
    await base.agree()
    for (const look of [() => base.agree(), () => base.holds(7)]) {
      clock.advance(47 * HOUR)
      await look()
      clock.advance(47 * HOUR)
      await nextTurn()
      expect(await read()).toBe('7')
      await base.agree()
    }
    clock.advance(49 * HOUR)
    expect(await read()).toBeUndefined()
    expect(await base.holds(7)).toBe(true)
    expect([await read(), await base.holds(6)]).toEqual(['7', false])
    await end()
  })
})
