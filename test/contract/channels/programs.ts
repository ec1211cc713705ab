import { expect, test } from 'bun:test'
import { Publisher } from 'partyline'
import { until } from '../broker/network.ts'
import { ann, byHeader, bytesOf, gatewayWith, newFacility, type Place } from './place.ts'

const News = gatewayWith({ publish: true }, { authenticate: byHeader })

export function programs(at: () => Place): void {
  test('what any program publishes under a channel reaches plain and framed clients', async () => {
    const place = at()
    const node = await place.serve(News)
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast&subscribe-group`
    const plain = await place.connect(node, path, { identity: ann })
    const framed = await place.connect(node, path, { identity: ann, framed: true })
    await place.listening(3)
    await framed.ask({ subscribe: 'broadcast' })
    await place.network.publish(`broadcast:${facility}`, bytesOf('Hello'))
    await place.network.publish(`group:ops:${facility}`, Uint8Array.of(0, 255))
    const heard = await plain.next(2)
    expect(heard.filter((one) => typeof one === 'string')).toEqual(['Hello'])
    expect(heard.filter((one) => typeof one !== 'string')).toEqual([Uint8Array.of(0, 255)])
    expect((await framed.next(2)).sort()).toEqual([
      '{"channel":"broadcast","data":"Hello"}',
      '{"channel":"group:ops","base64":"AP8="}',
    ])
  })

  test('any program finds what a client published under the name of its channel, byte by byte', async () => {
    const place = at()
    const node = await place.serve(News)
    const facility = newFacility()
    const path = `/ws/${facility}?publish-broadcast&publish-user&publish-group&publish-session`
    const client = await place.connect(node, path, { identity: ann })
    const names = [
      `broadcast:${facility}`,
      `user:ann:${facility}`,
      `group:staff:${facility}`,
      `group:ops:${facility}`,
      `session:s1:${facility}`,
    ]
    for (const message of ['{"a": 1 }\r\n', Uint8Array.of(0xff, 0, 0x80, 10)]) {
      client.send(message)
      const bytes = typeof message === 'string' ? bytesOf(message) : message
      for (const name of names)
        await until(async () => Bun.deepEquals(await place.network.get(name), bytes), `the value of ${name}`)
    }
    expect(client.take()).toEqual([])
  })

  test('while the broker is away publishing fails, and what was missed comes when it is back', async () => {
    const place = at()
    const [one, other] = [await place.serve(News), await place.serve(News)]
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast`
    const client = await place.connect(one, path, { identity: ann, framed: true })
    const near = await place.connect(one, path, { identity: ann, framed: true })
    const far = await place.connect(other, path, { identity: ann, framed: true })
    await place.listening(1)
    const publisher = other.app.get(Publisher)
    await publisher.publish(facility, 'before', { broadcast: true })
    for (const each of [client, near, far]) expect(await each.frames()).toMatchObject([{ data: 'before' }])
    place.network.cut(one.broker)
    await until(() => one.broker.state === 'away', 'the broker to be away')
    const { error } = (await client.ask({ publish: 'broadcast', data: 'lost' })) as {
      error: { code: string; message: string }
    }
    expect(error.code).toBe('UNAVAILABLE')
    expect(error.message).toMatch(/^(not|perhaps) published: the broker/)
    await publisher.publish(facility, 'meanwhile', { broadcast: true })
    expect(await far.frames()).toMatchObject([{ data: 'meanwhile' }])
    // What is not kept is heard by those who are here.
    await one.app.get(Publisher).publish(facility, 'here', { broadcast: true, keep: false })
    expect(await client.frames()).toEqual([{ channel: 'broadcast', data: 'here' }])
    expect(await near.frames()).toEqual([{ channel: 'broadcast', data: 'here' }])
    place.network.mend(one.broker)
    expect(await near.frames()).toEqual([{ channel: 'broadcast', data: 'meanwhile' }])
    expect(await client.ask({ publish: 'broadcast', data: 'after' })).toEqual({})
    expect(await near.frames()).toEqual([{ channel: 'broadcast', data: 'after' }])
    // What is not kept may have come as well, late: that is the broker's to say.
    await until(() => far.waiting.some((frame) => String(frame).includes('"after"')), 'the last')
    const heard = (await far.frames()).map((frame) => (frame as { data: string }).data)
    expect(heard.filter((data) => data !== 'here')).toEqual(['after'])
    const log = [...one.logged(), ...other.logged()].filter(({ level }) => level === 'error')
    expect(log).toEqual([])
  })
}
