import { describe, expect, spyOn, test } from 'bun:test'
import { event } from 'partyline/client'
import { z } from 'zod'
import { Network, NOT_RECOVERED, outcomeOf, RESUMABLE, resumed } from './network.ts'

describe('a call ends', () => {
  test('with the answer, each with its own', async () => {
    const { client, line } = new Network().open()
    const calls = [client.call('a', 1), client.call('b'), client.call('c', [1, 2])]
    expect(line.sent()).toEqual([
      '{"event":"a","data":1,"id":1}',
      '{"event":"b","args":[],"id":2}',
      '{"event":"c","data":[1,2],"id":3}',
    ])
    line.say('{"ack":3,"data":"three"}', '{"ack":1,"data":{"n":1}}', '{"ack":2}')
    expect(await Promise.all(calls)).toEqual([{ n: 1 }, undefined, 'three'])
  })

  test('with the error that the server answered', async () => {
    const { client, line } = new Network().open()
    const call = client.call('sit', 7)
    line.say('{"ack":1,"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"free":[8]}}}')
    expect(call).rejects.toMatchObject({
      name: 'PartylineError',
      code: 'SEAT_TAKEN',
      message: 'seat 7 is taken',
      details: { free: [8] },
    })
    await call.catch(() => {})
  })

  test('with TIMEOUT, after its own time or the client’s or ten seconds; a late answer is nothing', async () => {
    const network = new Network({ timeout: 5_000 }).open()
    const own = network.client.call('a', 1, { timeout: 1_000 })
    const usual = network.client.call('b')
    network.clock.advance(999)
    expect(await outcomeOf(own)).toBe('waits')
    network.clock.advance(1)
    expect(own).rejects.toMatchObject({ code: 'TIMEOUT', message: 'no answer to "a" within 1000 ms' })
    network.line.say('{"ack":1,"data":1}')
    network.clock.advance(3_999)
    expect(await outcomeOf(usual)).toBe('waits')
    network.clock.advance(1)
    expect(await outcomeOf(usual)).toEqual({ code: 'TIMEOUT' })

    const other = new Network().open()
    const call = other.client.call('c')
    other.clock.advance(9_999)
    expect(await outcomeOf(call)).toBe('waits')
    other.clock.advance(1)
    expect(await outcomeOf(call)).toEqual({ code: 'TIMEOUT' })
  })

  test.each([Number.POSITIVE_INFINITY, 2 ** 31])('never by time, where that is %p', async (timeout) => {
    const network = new Network().open('{"hello":{"sid":"s1","heartbeat":0}}')
    const call = network.client.call('a', 1, { timeout })
    expect(network.clock.timers).toBe(0)
    network.clock.advance(1_000_000)
    network.line.say('{"ack":1,"data":"at last"}')
    expect(await call).toBe('at last')
  })

  test('with the reason of its signal, before or after it was sent', async () => {
    const { client, line } = new Network().open()
    const gone = AbortSignal.abort(new Error('never mind'))
    expect(await outcomeOf(client.call('a', 1, { signal: gone }))).toEqual({ error: new Error('never mind') })
    expect(line.sent()).toEqual([])
    const controller = new AbortController()
    const call = client.call('b', 1, { signal: controller.signal })
    expect(line.sent()).toEqual(['{"event":"b","data":1,"id":1}'])
    controller.abort('the user left')
    expect(await outcomeOf(call)).toEqual({ error: 'the user left' })
    line.say('{"ack":1,"data":1}')
  })

  test('with DISCONNECTED, when the line breaks and the session cannot be resumed', async () => {
    const network = new Network().open()
    const call = network.client.call('a')
    network.line.end(1006)
    expect(await outcomeOf(call)).toEqual({ code: 'DISCONNECTED' })
  })

  test('with DISCONNECTED, when the client is closed, sent or not', async () => {
    const open = new Network().open()
    const sent = open.client.call('a')
    open.client.close()
    expect(await outcomeOf(sent)).toEqual({ code: 'DISCONNECTED' })

    const connecting = new Network()
    const waiting = connecting.client.call('a', 1, { timeout: Number.POSITIVE_INFINITY })
    connecting.client.close()
    expect(await outcomeOf(waiting)).toEqual({ code: 'DISCONNECTED' })
  })

  test('with DISCONNECTED, when the server says that it need not come back', async () => {
    const network = new Network().open(RESUMABLE)
    const call = network.client.call('a')
    network.line.end(4403)
    expect(await outcomeOf(call)).toEqual({ code: 'DISCONNECTED' })
  })

  test('with the answer, when the session is resumed, sent once or twice', async () => {
    const network = new Network().open(RESUMABLE)
    const arrived = network.client.call('a')
    const vanished = network.client.call('b')
    network.cut()
    expect(await outcomeOf(vanished)).toBe('waits')
    network.open(resumed(1))
    expect(network.line.sent()).toEqual(['{"event":"b","args":[],"id":2,"pos":2}'])
    network.line.say('{"ack":1,"data":"one","pos":101}', '{"ack":2,"data":"two","pos":102}')
    expect(await Promise.all([arrived, vanished])).toEqual(['one', 'two'])
  })

  test('with DISCONNECTED, when the session could not be resumed, but for those that were not sent', async () => {
    const network = new Network().open(RESUMABLE)
    const sent = network.client.call('a')
    network.line.end(1006)
    const waiting = network.client.call('b')
    network.redial().open(NOT_RECOVERED)
    expect(await outcomeOf(sent)).toEqual({ code: 'DISCONNECTED' })
    expect(network.line.sent()).toEqual(['{"event":"b","args":[],"id":2,"pos":1}'])
    network.line.say('{"ack":1,"data":"not mine","pos":501}', '{"ack":2,"data":"mine","pos":502}')
    expect(await waiting).toBe('mine')
  })

  test('with DISCONNECTED, when nobody came back in the time for it', async () => {
    const network = new Network({ backoff: { max: 1_000_000, min: 1_000_000 } }).open(RESUMABLE)
    const call = network.client.call('a', 1, { timeout: Number.POSITIVE_INFINITY })
    network.line.end(1006)
    network.clock.advance(119_999)
    expect(await outcomeOf(call)).toBe('waits')
    network.clock.advance(1)
    expect(await outcomeOf(call)).toEqual({ code: 'DISCONNECTED' })
  })
})

test('a call that was given up before it was sent is not sent', async () => {
  const network = new Network()
  const controller = new AbortController()
  const late = network.client.call('late', 1, { timeout: 100 })
  const aborted = network.client.call('aborted', 1, { signal: controller.signal })
  network.client.emit('kept')
  network.clock.advance(100)
  controller.abort('enough')
  expect(await outcomeOf(late)).toEqual({ code: 'TIMEOUT' })
  expect(await outcomeOf(aborted)).toEqual({ error: 'enough' })
  network.open()
  expect(network.line.sent()).toEqual(['{"event":"kept","args":[]}'])
})

test('a call that was given up after it was sent leaves no gap in the positions', async () => {
  const network = new Network().open(RESUMABLE)
  const late = network.client.call('late', 1, { timeout: 100 })
  network.client.emit('kept')
  network.clock.advance(100)
  expect(await outcomeOf(late)).toEqual({ code: 'TIMEOUT' })
  network.cut().open(resumed(0))
  expect(network.line.sent()).toEqual([
    '{"event":"late","data":1,"id":1,"pos":1}',
    '{"event":"kept","args":[],"pos":2}',
  ])
})

test('what has ended leaves no timer and no listener of its signal behind', async () => {
  const network = new Network().open('{"hello":{"sid":"s1","heartbeat":0}}')
  const { signal } = new AbortController()
  const added = spyOn(signal, 'addEventListener')
  const removed = spyOn(signal, 'removeEventListener')
  const call = network.client.call('a', 1, { signal })
  network.line.say('{"ack":1,"data":1}')
  expect(await call).toBe(1)
  expect(network.clock.timers).toBe(0)
  expect(added.mock.calls).toHaveLength(1)
  expect(removed.mock.calls.map((args) => args.slice(0, 2))).toEqual(
    added.mock.calls.map((args) => args.slice(0, 2)),
  )
})

test('an event that is described by args is called with the list of them', async () => {
  const { client, line } = new Network().open()
  const pair = event('pair', { args: z.tuple([z.string(), z.number()]), reply: z.string() })
  const one = event('one', { args: z.tuple([z.string()]) })
  const none = event('none', { args: z.tuple([]) })
  const list = event('list', { data: z.array(z.number()) })
  for (const call of [
    client.call(pair, ['a', 1]),
    client.call(one, ['a']),
    client.call(none),
    client.call(none, [], { timeout: 5 }),
    client.call(list, [1, 2]),
  ])
    call.catch(() => {})
  expect(line.sent()).toEqual([
    '{"event":"pair","args":["a",1],"id":1}',
    '{"event":"one","data":"a","id":2}',
    '{"event":"none","args":[],"id":3}',
    '{"event":"none","args":[],"id":4}',
    '{"event":"list","data":[1,2],"id":5}',
  ])
  client.close()
})
