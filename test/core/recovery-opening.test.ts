import { afterEach, describe, expect, test } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  Injectable,
  Module,
  On,
  OnClose,
  OnOpen,
  OnResume,
  OnSuspend,
  type Socket,
} from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
/** What each kind of method waits for before it is done. */
let gates: Partial<Record<'open' | 'resume', Gate>> = {}
afterEach(() => {
  notes.length = 0
  gates = {}
})

/** Begins, waits where the test says so, and ends. */
function step(name: keyof typeof gates): Promise<void> | void {
  notes.push(name)
  return gates[name]?.pass().then(() => void notes.push(`${name} done`))
}

@Gateway('/desk', { recovery: { window: 60_000 } })
class Desk {
  @OnOpen() opened() {
    return step('open')
  }

  @On() note(_: Socket, text: string) {
    notes.push(text)
  }

  @OnSuspend() suspended(_: Socket, { code }: CloseReason) {
    notes.push(`suspend ${code}`)
  }

  @OnResume() resumed() {
    return step('resume')
  }

  @OnClose() closed(_: Socket, { code }: CloseReason) {
    notes.push(`close ${code}`)
  }
}

const note = (text: string) => `{"event":"note","data":"${text}"}`

describe('while @OnOpen is still running', () => {
  // Both methods ran in the middle of it, and the events were let in by whichever was done first.
  test('@OnSuspend, @OnResume and events wait for it', async () => {
    const one = await start(Desk)
    gates.open = new Gate()
    const first = await Guest.open(one, '/desk')
    const guest = await first.returns(0)
    expectRecovered(guest, first)
    guest.send(note('a'))
    await nextTurn()
    expect(notes).toEqual(['open'])
    gates.open.open()
    await nextTurn()
    expect(notes.slice(1)).toEqual(['open done', 'suspend 1006', 'resume', 'a'])
  })

  test('events wait for an @OnResume that takes longer than it, too', async () => {
    const one = await start(Desk)
    gates = { open: new Gate(), resume: new Gate() }
    const guest = await (await Guest.open(one, '/desk')).returns(0)
    guest.send(note('a'))
    gates.open?.open()
    await nextTurn()
    expect(notes).toEqual(['open', 'open done', 'suspend 1006', 'resume'])
    gates.resume?.open()
    await nextTurn()
    expect(notes.slice(4)).toEqual(['resume done', 'a'])
  })

  test('a session that expires is closed after it', async () => {
    const one = await start(Desk)
    gates.open = new Gate()
    const guest = await Guest.open(one, '/desk')
    guest.send(note('a'))
    guest.client.vanish()
    await nextTurn()
    gates.open.open()
    one.clock.advance(60_000)
    await nextTurn()
    expect(notes).toEqual(['open', 'open done', 'a', 'suspend 1006', 'close 1006'])
  })

  test('one that never ends holds nothing back for ever, but the events', async () => {
    const one = await start(Desk, { limits: { farewell: 700 } })
    gates.open = new Gate()
    const guest = await (await Guest.open(one, '/desk')).returns(0)
    guest.send(note('a'))
    for (let i = 0; i < 2; i++) {
      await nextTurn()
      one.clock.advance(700)
    }
    await nextTurn()
    expect(notes).toEqual(['open', 'suspend 1006', 'resume'])
    guest.client.close()
    await nextTurn()
    one.clock.advance(700)
    await nextTurn()
    expect(notes.slice(3)).toEqual(['close 1000'])
    expect(one.app.stats().sockets).toBe(0)
  })
})

test('an instance for each connection is built while its session is suspended, and serves it on', async () => {
  const gate = new Gate()

  @Injectable({ scope: 'connection' })
  class Profile {
    readonly n = notes.push('built')

    dispose() {
      notes.push('disposed')
    }
  }

  @Gateway('/own', { scope: 'connection', recovery: { window: 1_000 } })
  class Own {
    #count = 0

    constructor(readonly profile: Profile) {}

    @OnOpen() opened() {
      notes.push('open')
    }

    @On() count() {
      return ++this.#count
    }

    @OnSuspend() suspended() {
      notes.push(`suspend ${this.#count}`)
    }

    @OnResume() resumed() {
      notes.push(`resume ${this.#count}`)
    }

    @OnClose() closed() {
      notes.push(`close ${this.#count}`)
    }
  }

  @Module({
    gateways: [Own],
    providers: [
      { provide: Profile, scope: 'connection', useFactory: () => gate.pass().then(() => new Profile()) },
    ],
  })
  class OwnModule {}

  const one = await start(OwnModule)
  const lost = await Guest.open(one, '/own')
  lost.client.vanish()
  one.clock.advance(500)
  const guest = await (await Guest.open(one, '/own')).returns(0)
  guest.send('{"event":"count","id":1,"pos":1}')
  await nextTurn()
  // The first is over before it was welcome.
  one.clock.advance(500)
  expectNew(await lost.resume(0), lost)
  expect(notes).toEqual([])
  gate.open()
  await nextTurn()
  expect(notes.filter((one) => one === 'disposed')).toHaveLength(1)
  expect(notes.filter((one) => one.match(/suspend|resume|close/))).toEqual(['suspend 0', 'resume 0'])
  const again = await guest.returns(1)
  again.send('{"event":"count","id":2,"pos":2}')
  await nextTurn()
  expect(again.frames()).toEqual(['{"ack":2,"data":2,"pos":2}'])
})
