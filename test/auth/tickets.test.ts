import { describe, expect, test } from 'bun:test'
import { type TicketOptions, type Tickets, tickets } from 'partyline/auth'
import { HandClock } from '../support/clock.ts'
import { Door, nobody } from './knock.ts'

const ada = { user: 'ada', groups: ['admin'], session: 's1', claims: { plan: 'gold' } }

function deskWith(options: TicketOptions = {}): { desk: Tickets; door: Door; clock: HandClock } {
  const clock = new HandClock()
  const desk = tickets({ clock, ...options })
  return { desk, door: new Door(desk.authenticate, clock), clock }
}

const with_ = (ticket: string): string => `/desk?ticket=${ticket}`

describe('a ticket', () => {
  test('is 256 bits in base64url, each time others', () => {
    const { desk } = deskWith()
    const all = Array.from({ length: 1_000 }, () => desk.issue(ada))
    for (const ticket of all) expect(ticket).toMatch(/^[\w-]{43}$/)
    expect(new Set(all).size).toBe(1_000)
    // Every bit is at times set and at times not.
    const bytes = all.map((ticket) => Buffer.from(ticket, 'base64url'))
    for (let i = 0; i < 32; i++) {
      expect(bytes.reduce((bits, one) => bits | (one[i] as number), 0)).toBe(0xff)
      expect(bytes.reduce((bits, one) => bits & (one[i] as number), 0xff)).toBe(0)
    }
  })

  test('is good once, for who it was issued to', async () => {
    const { desk, door } = deskWith()
    const [first, second] = [desk.issue(ada), desk.issue({ user: 'bob' })]
    expect(desk.size).toBe(2)
    expect(await door.knock({}, with_(second))).toEqual({ user: 'bob' })
    expect(await door.knock({}, with_(first))).toEqual(ada)
    expect(await door.knock({}, with_(first))).toEqual(nobody)
    expect(desk.size).toBe(0)
    expect(door.log.entries).toEqual([])
  })

  test('lets one in of two who come with it at once', async () => {
    const { desk, door } = deskWith()
    const path = with_(desk.issue(ada))
    const answers = await Promise.all([door.knock({}, path), door.knock({}, path)])
    expect(answers).toContainEqual(ada)
    expect(answers).toContainEqual(nobody)
  })

  test('is good until its time is over', async () => {
    const { desk, door, clock } = deskWith({ lifetime: 10_000 })
    const [early, late] = [desk.issue(ada), desk.issue(ada)]
    clock.advance(9_999)
    expect(await door.knock({}, with_(early))).toEqual(ada)
    clock.advance(1)
    expect(await door.knock({}, with_(late))).toEqual(nobody)
  })

  test('is good for half a minute where nothing is said', async () => {
    const { desk, door, clock } = deskWith()
    const [early, late] = [desk.issue(ada), desk.issue(ada)]
    clock.advance(29_999)
    expect(await door.knock({}, with_(early))).toEqual(ada)
    clock.advance(1)
    expect(await door.knock({}, with_(late))).toEqual(nobody)
  })

  test.each([
    '/desk',
    '/desk?ticket=',
    '/desk?ticket=constructor',
    '/desk?ticket=__proto__',
    '/desk?token=x',
  ])('is not there: %s', async (path) => {
    const { desk, door } = deskWith()
    desk.issue(ada)
    expect(await door.knock({}, path)).toEqual(nobody)
    expect(desk.size).toBe(1)
  })

  test('is not good with a character too few, too many, or of another case', async () => {
    const { desk, door } = deskWith()
    const ticket = desk.issue(ada)
    const swapped = ticket.toUpperCase() === ticket ? ticket.toLowerCase() : ticket.toUpperCase()
    for (const wrong of [ticket.slice(1), `${ticket}A`, swapped]) {
      expect(await door.knock({}, with_(wrong))).toEqual(nobody)
    }
    expect(await door.knock({}, with_(ticket))).toEqual(ada)
  })

  test('can have another name in the url', async () => {
    const { desk, door } = deskWith({ parameter: 'pass' })
    expect(await door.knock({}, with_(desk.issue(ada)))).toEqual(nobody)
    expect(await door.knock({}, `/desk?pass=${desk.issue(ada)}`)).toEqual(ada)
  })

  test('of one desk is nothing to another', async () => {
    const [one, another] = [deskWith(), deskWith()]
    expect(await one.door.knock({}, with_(another.desk.issue(ada)))).toEqual(nobody)
  })
})

describe('what is kept', () => {
  test('is bounded: the oldest tickets are void', async () => {
    const { desk, door } = deskWith({ limit: 2 })
    const [first, second, third] = ['a', 'b', 'c'].map((user) => desk.issue({ user }))
    expect(desk.size).toBe(2)
    expect(await door.knock({}, with_(first!))).toEqual(nobody)
    expect(await door.knock({}, with_(second!))).toEqual({ user: 'b' })
    expect(await door.knock({}, with_(third!))).toEqual({ user: 'c' })
  })

  test('is 10,000 tickets where nothing is said', () => {
    const { desk } = deskWith()
    for (let i = 0; i < 10_001; i++) desk.issue(ada)
    expect(desk.size).toBe(10_000)
  })

  test('is nothing once they have expired, even if nobody asks any more', async () => {
    const clock = new HandClock()
    const desk = tickets({ lifetime: 1_000, clock })
    const forgotten = { early: 0, late: 0 }
    const registry = new FinalizationRegistry<'early' | 'late'>((name) => forgotten[name]++)
    const issue = (name: 'early' | 'late'): void => {
      for (let i = 0; i < 100; i++) {
        const identity = { user: name }
        registry.register(identity, name)
        desk.issue(identity)
      }
    }
    issue('early')
    clock.advance(500)
    issue('late')
    // Only time passes from here on: nobody issues, knocks or looks. The collector may overlook one or the other.
    clock.advance(500)
    await collected(() => forgotten.early > 90)
    expect(forgotten.early).toBeGreaterThan(90)
    expect(forgotten.late).toBe(0)
    clock.advance(500)
    await collected(() => forgotten.late > 90)
    expect(forgotten.late).toBeGreaterThan(90)
    expect(desk.size).toBe(0)
  })
})

test.each([
  [{ lifetime: 0 }, 'the lifetime of tickets is 0: give milliseconds, from 1 to 86400000.'],
  [{ lifetime: Number.NaN }, 'the lifetime of tickets is NaN: give milliseconds, from 1 to 86400000.'],
  [{ lifetime: 86_400_001 }, 'the lifetime of tickets is 86400001: give milliseconds, from 1 to 86400000.'],
  [{ limit: 0 }, 'the limit of tickets is 0: give a whole number from 1.'],
  [{ limit: 1.5 }, 'the limit of tickets is 1.5: give a whole number from 1.'],
])('options out of bounds are refused: %p', (options, message) => {
  expect(() => tickets(options)).toThrow(new RangeError(message))
})

/** Collects garbage until a condition comes true. */
async function collected(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) {
    Bun.gc(true)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
