import { afterEach, beforeEach, expect, test } from 'bun:test'
import { type TestApp, type TestClient, testApp } from 'partyline/testing'
import { ChatModule, chatOptions } from '../../apps/chat/app.ts'
import { Audit } from '../../apps/chat/audit/audit.ts'
import { join, joined, leave, left, rename, renamed, said, say, signIn, who } from '../../apps/chat/events.ts'
import { LOG } from '../../apps/chat/log.ts'

const names = ['setTimeout', 'setInterval', 'setImmediate'] as const
const real = { ...globalThis }
/** Who set a real timer, which nobody here needs: neither the kit nor what it runs. */
let timers: string[]

beforeEach(() => {
  timers = []
  for (const name of names) {
    const forbidden = (): never => {
      timers.push(new Error(name).stack ?? name)
      throw new Error(`${name} is a real timer`)
    }
    globalThis[name] = forbidden as never
  }
})

afterEach(() => {
  for (const name of names) globalThis[name] = real[name] as never
  expect(timers).toEqual([])
})

/** Somebody who has signed in and is in the room "tea". */
async function person(app: TestApp, name: string): Promise<TestClient> {
  const one = await app.connect('/chat', { name })
  expect(await one.call(signIn, { name })).toEqual({ name })
  await one.call(join, { room: 'tea' })
  await one.expectEvent(joined, { room: 'tea', name })
  return one
}

test('the life of a chat, without one real timer', async () => {
  const lines: string[] = []
  const app = await testApp(ChatModule, {
    ...chatOptions,
    providers: [{ provide: LOG, useValue: (line: string) => lines.push(line) }],
  })
  const room = 'tea'

  // Nobody does anything before they have signed in, and no name is had twice.
  const bob = await app.connect('/chat', { name: 'Bob' })
  await expect(bob.call(join, { room })).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' })
  const ada = await person(app, 'Ada')
  await expect(bob.call(signIn, { name: 'Ada' })).rejects.toMatchObject({ code: 'NAME_TAKEN' })
  await bob.call(signIn, { name: 'Bob' })
  await bob.call(join, { room })
  for (const one of [ada, bob]) await one.expectEvent(joined, { room, name: 'Bob' })
  expect(await ada.call(who, { room })).toEqual({ names: ['Ada', 'Bob'] })

  // People talk.
  bob.emit(say, { room, text: 'is there cake?' })
  for (const one of [ada, bob])
    await one.expectEvent(said, { room, name: 'Bob', text: 'is there cake?', timestamp: Number.isInteger })
  bob.emit(say, { room: 'attic', text: 'anybody?' })
  await bob.expectError('NOT_IN_ROOM')

  // Bob's train goes into a tunnel. He is still there for the others, and misses nothing.
  bob.network.down()
  await app.advance(10_000)
  expect(await ada.call(who, { room })).toEqual({ names: ['Ada', 'Bob'] })
  await ada.call(say, { room, text: 'there is' })
  await ada.expectEvent(said)
  await ada.call(rename, { name: 'Ada L.' })
  await ada.expectEvent(renamed, { room, name: 'Ada L.', was: 'Ada' })
  bob.emit(say, { room, text: 'a tunnel' })
  await ada.expectNothing()
  bob.network.up()
  await app.advance(30_000)
  await bob.expectState('open', { recovered: true, lost: 0 })
  await bob.expectEvent(said, { room, name: 'Ada', text: 'there is', timestamp: Number.isInteger })
  await bob.expectEvent(renamed, { room, name: 'Ada L.', was: 'Ada' })
  for (const one of [ada, bob])
    await one.expectEvent(said, { room, name: 'Bob', text: 'a tunnel', timestamp: Number.isInteger })

  // A longer tunnel: the others are told that he has gone, and that he is back; still he misses nothing.
  bob.network.down()
  await app.advance(20_000)
  await ada.expectEvent(left, { room, name: 'Bob' })
  expect(await ada.call(who, { room })).toEqual({ names: ['Ada L.'] })
  await ada.call(say, { room, text: 'where is he?' })
  await ada.expectEvent(said)
  bob.network.up()
  await app.advance(30_000)
  await bob.expectState('open', { recovered: true, lost: 0 })
  await bob.expectEvent(said, { room, name: 'Ada L.', text: 'where is he?', timestamp: Number.isInteger })
  await ada.expectEvent(joined, { room, name: 'Bob' })
  expect(await bob.call(who, { room })).toEqual({ names: ['Ada L.', 'Bob'] })

  // Cid's line dies without a word, and nobody ever comes back on it: that he has left is told once, and his name is free when
  // nobody waits for him any more.
  const cid = await person(app, 'Cid')
  for (const one of [ada, bob]) await one.expectEvent(joined, { room, name: 'Cid' })
  cid.network.halfOpen()
  cid.network.stall()
  await app.advance(90_000)
  await ada.expectNothing()
  await app.advance(50_000)
  for (const one of [ada, bob]) await one.expectEvent(left, { room, name: 'Cid' })
  await expect(ada.call(rename, { name: 'Cid' })).rejects.toMatchObject({ code: 'NAME_TAKEN' })
  await app.advance(125_000)
  expect(await ada.call(rename, { name: 'Cid' })).toEqual({ name: 'Cid' })
  for (const one of [ada, bob]) await one.expectEvent(renamed, { room, name: 'Cid', was: 'Ada L.' })
  cid.close()

  // The server crashes, and knows nobody any more.
  await app.restart()
  await app.advance(1_000)
  for (const one of [ada, bob]) {
    await one.expectState('open', { recovered: false })
    await expect(one.call(who, { room })).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' })
  }
  await ada.call(signIn, { name: 'Ada' })
  await ada.call(join, { room })
  await ada.expectEvent(joined)
  await bob.call(signIn, { name: 'Bob' })
  await bob.call(join, { room })
  for (const one of [ada, bob]) await one.expectEvent(joined, { room, name: 'Bob' })

  // One leaves the room, the other the chat.
  await bob.call(leave, { room })
  for (const one of [ada, bob]) await one.expectEvent(left, { room, name: 'Bob' })
  ada.close()
  await app.settle()
  expect(await bob.call(who, { room })).toEqual({ names: [] })
  expect(app.get(Audit).trail.at(-2)).toMatchObject({ name: 'Ada', did: 'disconnected' })
  expect(lines.length).toBeGreaterThan(app.get(Audit).trail.length)

  for (const one of [ada, bob, cid]) await one.expectNothing()
  await app.stop()
  await bob.expectState('reconnecting', { reason: { code: 1001, reason: 'the server is going away' } })
  expect(app.logged()).toEqual([])
})
