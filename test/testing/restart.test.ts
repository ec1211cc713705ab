import { describe, expect, test } from 'bun:test'
import { Gateway, Injectable, Module, On, OnClose, type Socket } from 'partyline'
import { ManualClock, testApp } from 'partyline/testing'
import { CLOCK, closeHouses, house, Party } from './house.ts'

closeHouses()

let built = 0
const ended: string[] = []

@Injectable()
class Kitchen {
  readonly number = ++built
  dispose() {
    ended.push(`kitchen ${this.number}`)
  }
}

@Gateway('/kitchen')
class KitchenGateway {
  constructor(readonly kitchen: Kitchen) {}

  @On() number(_: Socket) {
    return this.kitchen.number
  }

  @OnClose() closed() {
    ended.push('closed')
  }
}

@Module({ gateways: [KitchenGateway], providers: [Kitchen] })
class KitchenModule {}

describe('a restart', () => {
  test('is a crash: sessions are gone, and clients begin anew', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const line = await app.line('/party')
    ann.emit('echo', 'before')
    await ann.expectEvent('echo')
    await app.restart()
    expect(line.closed).toEqual({ code: 1006, reason: '' })
    expect(app.sockets.size).toBe(0)
    ann.emit('echo', 'after')
    await app.advance(1_000)
    await ann.expectState('open', { recovered: false })
    await ann.expectEvent('echo', 'after')
    // No @OnClose, and what was given as a value is as it was.
    expect(app.notes).toEqual(['before', 'after'])
    expect(app.logged()).toEqual([])
  })

  test('builds everything anew, and ends nothing of what was', async () => {
    built = 0
    const app = await testApp(KitchenModule)
    const ann = await app.connect('/kitchen')
    expect([await ann.call('number'), app.get(Kitchen).number]).toEqual([1, 1])
    await app.restart()
    await app.advance(1_000)
    expect([await ann.call('number'), app.get(Kitchen).number]).toEqual([2, 2])
    expect(ended).toEqual([])
    await app.stop()
    expect(ended).toEqual(['closed', 'kitchen 2'])
  })

  test('ends what waits for its time', async () => {
    const app = await house()
    await app.connect('/party')
    app.network.down()
    const { pending } = app.clock
    await app.restart()
    app.network.up()
    // The window of the session that was suspended is no more; the new app's heartbeat took the place of the old one's.
    expect(app.clock.pending).toBe(pending - 1)
    await app.advance(70_000)
    expect(app.notes).toEqual([])
  })

  test('comes before a handshake that had begun', async () => {
    const app = await house()
    const ann = app.client('/party')
    await Promise.resolve()
    await app.restart()
    await app.advance(1_000)
    await ann.expectState('open')
    expect(app.sockets.size).toBe(1)
  })
})

describe('a stop', () => {
  test('is in good order: clients are told, and @OnClose runs', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    await app.stop()
    await ann.expectState('reconnecting', { reason: { code: 1001, reason: 'the server is going away' } })
    expect([app.notes, ann.state]).toEqual([['closed 1001'], 'closed'])
    expect(app.clock.pending).toBe(0)
  })

  test('lets time pass where something does not end by itself', async () => {
    const clock = new ManualClock()
    const app = await house({ clock })
    const ann = await app.connect('/party')
    const late = ann.call('wait', 1_000_000).catch((error) => error.code)
    await app.settle()
    const begin = clock.now()
    await app.stop({ deadline: 5_000 })
    expect(clock.now() - begin).toBe(5_000)
    expect(await late).toBe('DISCONNECTED')
    expect(app.logged()).toMatchObject([{ message: 'stopping took too long: what is left is cut off' }])
    expect(app.get(CLOCK)).toBe(clock)
    expect(app.get(Party)).toBeInstanceOf(Party)
  })
})
