import { describe, expect, test } from 'bun:test'
import { ManualClock, seeded } from 'partyline/testing'
import { closeHouses, failureOf, house } from './house.ts'

closeHouses()

describe('a clock that is moved by hand', () => {
  test('stands still, and begins in 2030 unless it is told', () => {
    const clock = new ManualClock()
    expect(clock.now()).toBe(Date.UTC(2030, 0, 1))
    expect(new ManualClock(7).now()).toBe(7)
  })

  test('runs what falls due, each at its time, and of the same time first come first', () => {
    const clock = new ManualClock(0)
    const ran: unknown[] = []
    for (const [name, at] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
      ['d', 31],
    ] as const)
      clock.setTimeout(() => ran.push([name, clock.now()]), at)
    expect([clock.pending, clock.next]).toEqual([4, 10])
    clock.advance(30)
    expect(ran).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 30],
    ])
    expect([clock.pending, clock.next, clock.now()]).toEqual([1, 31, 30])
    clock.advance(1)
    expect([clock.pending, clock.next]).toEqual([0, undefined])
  })

  test('runs what is set meanwhile, if it falls due too', () => {
    const clock = new ManualClock(0)
    const ran: number[] = []
    const again = (): void => {
      ran.push(clock.now())
      clock.setTimeout(again, 10)
    }
    clock.setTimeout(again, 10)
    clock.advance(35)
    expect([ran, clock.now(), clock.next]).toEqual([[10, 20, 30], 35, 40])
  })

  test('runs nothing that was taken back', () => {
    const clock = new ManualClock(0)
    const ran: string[] = []
    const timers = ['a', 'b', 'c'].map((name) => clock.setTimeout(() => ran.push(name), 10))
    clock.clearTimeout(timers[1])
    clock.clearTimeout(timers[1])
    clock.clearTimeout(undefined)
    clock.advance(10)
    clock.clearTimeout(timers[0])
    expect(ran).toEqual(['a', 'c'])
  })

  test('knows no time before now', () => {
    const clock = new ManualClock(5)
    expect(() => clock.advance(-1)).toThrow(new RangeError('a clock moves on by 0 ms or more, not by -1'))
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
    clock.setTimeout(() => {}, -7)
    clock.setTimeout(() => {}, Number.NaN)
    expect(clock.next).toBe(5)
  })
})

describe('an app whose time is moved on', () => {
  test('does what follows from each step before the next', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const answer = ann.call('wait', 20)
    await app.advance(19)
    expect(app.notes).toEqual([])
    await app.advance(1)
    expect(app.notes).toEqual(['waited 20'])
    expect(await answer).toBe(20)
  })

  test('ends calls of both sides that take too long', async () => {
    const app = await house()
    const ann = await app.connect('/party', { timeout: 3_000 })
    ann.handle('name', () => new Promise(() => {}))
    ann.emit('ask')
    const late = failureOf(ann.call('wait', 10_000))
    await app.advance(2_999)
    await app.advance(1)
    expect(await late).toBe('no answer to "wait" within 3000 ms')
    await app.advance(2_000)
    expect(app.notes).toEqual([expect.objectContaining({ code: 'TIMEOUT' })])
  })

  test('takes a clock that is given, and goes where that goes', async () => {
    const clock = new ManualClock(1_000)
    const app = await house({ clock })
    const ann = await app.connect('/party')
    const answer = ann.call('wait', 1)
    await app.settle()
    clock.advance(1)
    expect(await answer).toBe(1)
    expect([app.clock, clock.now()]).toEqual([clock, 1_001])
  })
})

test('seeded numbers are always the same, from 0 to 1, and of every size', () => {
  const [one, other] = [seeded(7), seeded(7)]
  const drawn = Array.from({ length: 1_000 }, () => one())
  expect(Array.from({ length: 1_000 }, () => other())).toEqual(drawn)
  // Made once by the published algorithm, mulberry32.
  const random = seeded(1)
  expect([random(), random(), random()]).toEqual([
    0.6270739405881613, 0.002735721180215478, 0.5274470399599522,
  ])
  for (let tenth = 0; tenth < 10; tenth++) {
    const count = drawn.filter((n) => Math.floor(n * 10) === tenth).length
    expect(count).toBeWithin(60, 141)
  }
})
