import { expect, test } from 'bun:test'
import { ann, bob, byHeader, gatewayWith, newFacility, type Place } from './place.ts'

const all = gatewayWith({ publish: true }, { authenticate: byHeader })
const open = gatewayWith({ publish: true })

/** By the flags of the url, and by frames. */
export function delivering(at: () => Place): void {
  test('plain clients of all nodes get what others publish bare, text and bytes as they were', async () => {
    const place = at()
    const [one, other] = [await place.serve(open), await place.serve(open)]
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast&publish-broadcast`
    const from = await place.connect(one, path)
    const near = await place.connect(one, path)
    const far = await place.connect(other, path)
    await place.hearing(one, facility, [from, near, far])
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const messages = [
      'Hello',
      '{"event":"echo","id":1}',
      '',
      '"quoted" \u{1f389}\u0000',
      '{"subscribe":"user"}',
    ]
    from.send(...messages)
    from.send(bytes, new Uint8Array())
    const expected = [...messages, bytes, new Uint8Array()]
    expect(await near.next(7)).toEqual(expected)
    expect(await far.next(7)).toEqual(expected)
    expect(from.take()).toEqual([])
  })

  test('a client hears itself only with echo', async () => {
    const place = at()
    const node = await place.serve(open)
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast&publish-broadcast`
    const quiet = await place.connect(node, path)
    const echoing = await place.connect(node, `${path}&echo`)
    await place.hearing(node, facility, [quiet, echoing])
    echoing.send('a')
    expect(await quiet.next()).toEqual(['a'])
    quiet.send('b')
    expect(await echoing.next(2)).toEqual(['a', 'b'])
    echoing.send('c')
    expect(await quiet.next()).toEqual(['c'])
  })

  test('framed clients get frames with positions, and hear themselves only with echo', async () => {
    const place = at()
    const [one, other] = [await place.serve(open), await place.serve(open)]
    const path = `/ws/${newFacility()}?subscribe-broadcast`
    const from = await place.connect(one, path, { framed: true })
    const echoing = await place.connect(one, `${path}&echo`, { framed: true })
    const far = await place.connect(other, path, { framed: true })
    await place.listening(1)
    expect(await from.ask({ publish: 'broadcast', data: { a: [1, 'é'] } })).toEqual({})
    expect(await echoing.ask({ publish: 'broadcast', data: 'text' })).toEqual({})
    const [first, second] = (await far.next(2)).map((one) => JSON.parse(String(one)))
    expect(first).toEqual({ channel: 'broadcast', data: { a: [1, 'é'] }, at: expect.any(Number) })
    expect(second).toEqual({ channel: 'broadcast', data: 'text', at: first.at + 1 })
    expect(await from.frames()).toEqual([{ channel: 'broadcast', data: 'text' }])
  })

  test('plain and framed clients understand each other, and bytes are base64 in JSON frames', async () => {
    const place = at()
    const node = await place.serve(open)
    const facility = newFacility()
    const plain = await place.connect(node, `/ws/${facility}?subscribe-broadcast&publish-broadcast`)
    const framed = await place.connect(node, `/ws/${facility}?subscribe-broadcast`, { framed: true })
    await framed.ask({ subscribe: 'broadcast' })
    plain.send('{"not":"parsed"}', Uint8Array.of(0xff, 0))
    expect(await framed.frames(2)).toEqual([
      { channel: 'broadcast', data: '{"not":"parsed"}' },
      { channel: 'broadcast', base64: '/wA=' },
    ])
    await framed.ask({ publish: 'broadcast', data: { b: 2, a: 'x' } })
    await framed.ask({ publish: 'broadcast', data: 'just text' })
    expect(await plain.next(2)).toEqual(['{"b":2,"a":"x"}', 'just text'])
  })

  test('to users, groups and sessions it goes by their identity, and to nobody else', async () => {
    const place = at()
    const [one, other] = [await place.serve(all), await place.serve(all)]
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-user&subscribe-group&subscribe-session`
    const hers = await place.connect(one, path, { identity: ann, framed: true })
    const herOther = await place.connect(other, path, { identity: { ...ann, session: 's9' }, framed: true })
    const his = await place.connect(other, path, { identity: bob, framed: true })
    const elsewhere = await place.connect(other, `/ws/${newFacility()}?subscribe-user`, { identity: ann })
    await place.listening(2 + 2 + 3 + 1)
    for (const publish of ['user', 'group:staff', 'session', 'group'])
      expect(await hers.ask({ publish, data: publish })).toEqual({})
    expect(await herOther.frames(4)).toEqual([
      { channel: 'user', data: 'user' },
      { channel: 'group:staff', data: 'group:staff' },
      { channel: 'group:staff', data: 'group' },
      { channel: 'group:ops', data: 'group' },
    ])
    expect(await his.frames()).toEqual([{ channel: 'group:ops', data: 'group' }])
    await his.ask({ publish: 'session', data: 'mine' })
    await hers.ask({ publish: 'broadcast', data: 'nobody listens' })
    for (const one of [hers, herOther, his, elsewhere]) expect(one.take()).toEqual([])
  })

  test('flags to publish are to all channels that they name, and their messages are no events', async () => {
    const place = at()
    const node = await place.serve(all)
    const facility = newFacility()
    const everybody = await place.connect(node, `/ws/${facility}?subscribe-broadcast`, { identity: bob })
    const ops = await place.connect(node, `/ws/${facility}?subscribe-group`, { identity: bob })
    const from = await place.connect(node, `/ws/${facility}?publish-broadcast&publish-group`, {
      identity: ann,
    })
    from.send('{"event":"echo","data":1,"id":1}')
    expect(await everybody.next()).toEqual(['{"event":"echo","data":1,"id":1}'])
    expect(await ops.next()).toEqual(['{"event":"echo","data":1,"id":1}'])
    expect(from.take()).toEqual([])
    // Without flags to publish, a plain client speaks in events.
    expect(await everybody.ask({ event: 'echo', data: 1 })).toEqual({ data: 1 })
  })

  test('channels are subscribed to and given up at any time, several facilities apart', async () => {
    const place = at()
    const node = await place.serve(all)
    const [sports, news] = [newFacility(), newFacility()]
    const client = await place.connect(node, `/ws/${sports}`, { identity: ann, framed: true })
    const other = await place.connect(node, `/ws/${news}`, { identity: ann, framed: true })
    const from = await place.connect(node, `/ws/${sports}`, { identity: bob, framed: true })
    expect(await client.ask({ subscribe: 'broadcast' })).toEqual({
      data: { channels: ['broadcast'], at: [0] },
    })
    expect(await client.ask({ subscribe: 'group' })).toEqual({
      data: { channels: ['group:staff', 'group:ops'], at: [0, 0] },
    })
    expect(await client.ask({ subscribe: 'group:ops' })).toMatchObject({ data: { channels: ['group:ops'] } })
    expect(await other.ask({ subscribe: 'broadcast' })).toMatchObject({ data: { channels: ['broadcast'] } })
    await place.listening(4)
    await from.ask({ publish: 'broadcast', data: 1 })
    await from.ask({ publish: 'group:ops', data: 2 })
    expect(await client.frames(2)).toEqual([
      { channel: 'broadcast', data: 1 },
      { channel: 'group:ops', data: 2 },
    ])
    expect(await client.ask({ unsubscribe: 'group:ops' })).toEqual({ data: { channels: ['group:ops'] } })
    expect(await client.ask({ unsubscribe: 'group' })).toEqual({ data: { channels: ['group:staff'] } })
    expect(await client.ask({ unsubscribe: 'group' })).toEqual({ data: { channels: [] } })
    await place.listening(2)
    await from.ask({ publish: 'group:ops', data: 3 })
    await from.ask({ publish: 'broadcast', data: 4 })
    expect(await client.frames()).toEqual([{ channel: 'broadcast', data: 4 }])
    expect(other.take()).toEqual([])
    client.client.close()
    other.client.vanish()
    await place.listening(0)
  })

  test('what one client publishes comes in its order', async () => {
    const place = at()
    const [one, other] = [await place.serve(open), await place.serve(open)]
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast&publish-broadcast`
    const from = await place.connect(one, path)
    const far = await place.connect(other, path)
    await place.hearing(one, facility, [from, far])
    const messages = Array.from({ length: 500 }, (_, i) => String(i))
    from.send(...messages)
    expect(await far.next(500)).toEqual(messages)
  })
}
