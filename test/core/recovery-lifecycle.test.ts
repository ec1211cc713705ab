import { afterEach, expect, test } from 'bun:test'
import { type CloseReason, Gateway, On, OnClose, OnOpen, OnResume, OnSuspend, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
/** What each kind of method waits for before it is done. */
let gates: Partial<Record<'open' | 'suspend' | 'resume' | 'event', Gate>> = {}
afterEach(() => {
  notes.length = 0
  gates = {}
})

/** Begins, waits where the test says so, and ends. */
function step(name: keyof typeof gates, note: string = name): Promise<void> | void {
  const gate = gates[name]
  notes.push(note)
  if (gate !== undefined) return gate.pass().then(() => void notes.push(`${note} done`))
}

@Gateway('/desk', { recovery: { window: 60_000 } })
class Desk {
  @OnOpen() opened() {
    return step('open')
  }

  @On() note(_: Socket, text: string) {
    return step('event', text)
  }

  @OnSuspend() suspended(_: Socket, { code }: CloseReason) {
    return step('suspend', `suspend ${code}`)
  }

  @OnResume() resumed() {
    return step('resume')
  }

  @OnClose() closed(_: Socket, { code }: CloseReason) {
    notes.push(`close ${code}`)
  }
}

const note = (text: string) => `{"event":"note","data":"${text}"}`

test('each method runs once for each time: open, suspend, resume, close', async () => {
  const one = await start(Desk)
  let guest = await Guest.open(one, '/desk')
  guest.send(note('a'))
  guest = await guest.returns(0)
  guest.send(note('b'))
  await nextTurn()
  guest.client.close(4408)
  await nextTurn()
  guest = await guest.resume(0)
  guest.send(note('c'))
  await nextTurn()
  guest.client.close()
  await nextTurn()
  expect(notes).toEqual([
    'open',
    'a',
    'suspend 1006',
    'resume',
    'b',
    'suspend 4408',
    'resume',
    'c',
    'close 1000',
  ])
})

test('a session that nobody comes back to ends with the reason for which its line ended', async () => {
  const one = await start(Desk)
  const guest = await Guest.open(one, '/desk')
  guest.client.close(4408)
  one.clock.advance(59_999)
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 4408'])
  one.clock.advance(1)
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 4408', 'close 4408'])
  one.clock.advance(600_000)
  await nextTurn()
  expect(notes).toHaveLength(3)
})

test('events wait for the promise of @OnResume, and are answered', async () => {
  const one = await start(Desk)
  gates.resume = new Gate()
  const guest = await (await Guest.open(one, '/desk')).returns(0)
  guest.send('{"event":"note","data":"a","id":1}')
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 1006', 'resume'])
  gates.resume.open()
  await nextTurn()
  expect(notes.slice(3)).toEqual(['resume done', 'a'])
  expect(guest.frames()).toEqual(['{"ack":1,"pos":1}'])
})

test('methods that take their time run one after another', async () => {
  const one = await start(Desk)
  gates = { suspend: new Gate(), resume: new Gate() }
  const guest = await (await Guest.open(one, '/desk')).returns(0)
  guest.client.close()
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 1006'])
  gates.suspend?.open()
  await nextTurn()
  expect(notes.slice(2)).toEqual(['suspend 1006 done', 'resume'])
  gates.resume?.open()
  await nextTurn()
  expect(notes.slice(4)).toEqual(['resume done', 'close 1000'])
})

// The first @OnResume that was done let the events in, though the second had not begun.
test('where the line breaks again during @OnResume, events wait for the next one too', async () => {
  const one = await start(Desk)
  gates.resume = new Gate()
  let guest = await (await Guest.open(one, '/desk')).returns(0)
  await nextTurn()
  const first = gates.resume
  gates.resume = new Gate()
  guest = await guest.returns(0)
  guest.send(note('a'))
  first.open()
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 1006', 'resume', 'resume done', 'suspend 1006', 'resume'])
  gates.resume.open()
  await nextTurn()
  expect(notes.slice(6)).toEqual(['resume done', 'a'])
})

test('what fails in @OnSuspend and @OnResume is logged, and changes nothing else', async () => {
  @Gateway('/failing', { recovery: {} })
  class Failing {
    @On() event() {
      return 'fine'
    }

    @OnSuspend() suspended() {
      throw new Error('on purpose')
    }

    @OnResume() async resumed() {
      throw new Error('on purpose')
    }

    @OnClose() closed() {
      notes.push('close')
    }
  }

  const one = await start(Failing)
  const guest = await (await Guest.open(one, '/failing')).returns(0)
  guest.send('{"event":"event","id":1}')
  await nextTurn()
  expect(guest.frames()).toEqual(['{"ack":1,"data":"fine","pos":1}'])
  expect(one.logged()).toMatchObject([
    { message: '@OnSuspend failed', gateway: 'Failing', error: new Error('on purpose') },
    { message: '@OnResume failed', gateway: 'Failing', error: new Error('on purpose') },
  ])
  guest.client.close()
  await nextTurn()
  expect(notes).toEqual(['close'])
})

test('an @OnSuspend or @OnResume that never ends is left behind, and logged', async () => {
  const one = await start(Desk, { limits: { farewell: 700 } })
  gates = { suspend: new Gate(), resume: new Gate() }
  const guest = await (await Guest.open(one, '/desk')).returns(0)
  guest.send(note('a'))
  await nextTurn()
  one.clock.advance(700)
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 1006', 'resume'])
  one.clock.advance(699)
  await nextTurn()
  expect(notes).toHaveLength(3)
  one.clock.advance(1)
  await nextTurn()
  expect(notes.slice(3)).toEqual(['a'])
  expect(one.logged().map(({ message }) => message)).toEqual([
    '@OnSuspend did not end',
    '@OnResume did not end',
  ])
})

test('a client may come back as often as it likes', async () => {
  const one = await start(Desk)
  let guest = await Guest.open(one, '/desk')
  const { sid } = guest.hello
  for (let i = 0; i < 50; i++) {
    guest = await guest.returns(0)
    await nextTurn()
  }
  expect(guest.hello).toMatchObject({ sid, recovered: true })
  expect(notes).toHaveLength(101)
})

// Each time two more calls waited, and whoever came back again and again could have any number wait.
test('a client that comes back faster than the gateway keeps up with is not recovered', async () => {
  const one = await start(Desk)
  gates.suspend = new Gate()
  const first = await Guest.open(one, '/desk')
  let guest = first
  let times = 0
  for (; guest.hello.sid === first.hello.sid && times < 100; times++) guest = await guest.returns(0)
  expect(guest.hello.recovered).toBe(false)
  expect(times).toBe(17)
  await nextTurn()
  expect(notes).toEqual(['open', 'suspend 1006', 'open'])
  gates.suspend.open()
  await nextTurn()
  expect(notes.filter((note) => note === 'resume')).toHaveLength(16)
  expect(notes.filter((note) => note.startsWith('close'))).toHaveLength(1)
})

test('handlers go on while the session is suspended, and those that wait begin', async () => {
  const one = await start(Desk)
  gates.event = new Gate()
  const guest = await Guest.open(one, '/desk')
  guest.send('{"event":"note","data":"a","id":1,"pos":1}', '{"event":"note","data":"b","id":2,"pos":2}')
  guest.client.vanish()
  gates.event.open()
  await nextTurn()
  expect(notes).toEqual(['open', 'a', 'suspend 1006', 'a done', 'b', 'b done'])
  const again = await guest.resume(0)
  expect(again.hello.received).toBe(2)
  expect(again.frames()).toEqual(['{"ack":1,"pos":1}', '{"ack":2,"pos":2}'])
})
