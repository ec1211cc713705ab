import { expect, test } from 'bun:test'
import {
  contextOf,
  createPublisher,
  Gateway,
  type Identity,
  Injectable,
  Module,
  On,
  Publisher,
  SELF,
  type Socket,
} from 'partyline'
import { ann, bob, byHeader, gatewayWith, newFacility, type Place } from './place.ts'

const News = gatewayWith({}, { authenticate: byHeader })
const key = '0123456789abcdef'

export function publishing(at: () => Place): void {
  test('is published by whatever service asks for a publisher, and by pages, to SELF', async () => {
    const place = at()
    const facility = newFacility()

    @Injectable()
    class Desk {
      constructor(readonly publisher: Publisher) {}
    }

    @Gateway('/desk', { authenticate: byHeader })
    class Office {
      constructor(private readonly desk: Desk) {}
      @On() async note(socket: Socket, text: string) {
        const published = await this.desk.publisher.publish(facility, text, { users: [SELF], self: socket })
        return published.map(({ key }) => key)
      }
    }

    @Module({ gateways: [News, Office], providers: [Desk] })
    class Root {}

    const identity = async (request: Request): Promise<Identity | null> => node.app.authenticate(request)
    const node = await place.serve(Root, {
      authenticate: byHeader,
      async fetch(request) {
        const self = await identity(request)
        try {
          await node.app.get(Publisher).publish(facility, 'paged', {
            users: [SELF],
            groups: [SELF],
            sessions: [SELF],
            self,
          })
          return new Response('sent')
        } catch (error) {
          return Response.json({ code: (error as { code: string }).code }, { status: 401 })
        }
      },
    })
    const path = `/ws/${facility}?subscribe-user&subscribe-group&subscribe-session`
    const hers = await place.connect(node, path, { identity: ann, framed: true })
    const his = await place.connect(node, path, { identity: bob, framed: true })
    await place.listening(2 + 2 + 2)
    const office = await place.connect(node, '/desk', { identity: bob })
    expect(await office.ask({ event: 'note', data: 'hi' })).toEqual({ data: [`user:bob:${facility}`] })
    expect(await his.frames()).toEqual([{ channel: 'user', data: 'hi' }])
    const page = await node.fetch('/page', { headers: { 'x-identity': JSON.stringify(ann) } })
    expect(await page.text()).toBe('sent')
    const heard = await hers.frames(4)
    expect(heard.map((one) => (one as { channel: string }).channel).sort()).toEqual([
      'group:ops',
      'group:staff',
      'session',
      'user',
    ])
    expect(await his.frames()).toEqual([{ channel: 'group:ops', data: 'paged' }])
    const anonymous = await node.fetch('/page')
    expect([anonymous.status, await anonymous.json()]).toEqual([401, { code: 'UNAUTHENTICATED' }])
  })

  test('comes by HTTP from who knows the key', async () => {
    const place = at()
    const node = await place.serve(News, { publish: { key } })
    const facility = newFacility()
    const client = await place.connect(node, `/ws/${facility}?subscribe-broadcast`, { identity: ann })
    await place.listening(1)
    const post = (body: unknown, authorization = `Bearer ${key}`, path = '/publish') =>
      node.fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { authorization } })
    const message = { facility, broadcast: true, data: { a: 1 } }
    expect((await post(message, 'Bearer 0123456789abcdeX')).status).toBe(401)
    expect((await post(message, '')).status).toBe(401)
    expect((await node.fetch('/publish')).status).toBe(405)
    expect((await post({ ...message, users: ['a:b'] })).status).toBe(400)
    const response = await post(message)
    expect([response.status, await response.json()]).toEqual([
      200,
      { published: [{ key: `broadcast:${facility}`, at: expect.any(Number) }] },
    ])
    expect((await post([{ facility, broadcast: true, base64: 'AAH/' }])).status).toBe(200)
    expect(await client.next(2)).toEqual(['{"a":1}', Uint8Array.of(0, 1, 255)])
  })

  test('is taken by HTTP nowhere unless the app says so, and elsewhere where it says so', async () => {
    const place = at()
    const none = await place.serve(News)
    const other = await place.serve(News, { publish: { key: [key, `${key}2`], path: '/in' }, prefix: '/api' })
    const request = { method: 'POST', body: '[]', headers: { authorization: `Bearer ${key}2` } }
    expect((await none.fetch('/publish', request)).status).toBe(404)
    expect((await other.fetch('/publish', request)).status).toBe(404)
    expect((await other.fetch('/in/', request)).status).toBe(200)
  })

  test('comes from processes that serve nobody, to channels and to the rooms of gateways', async () => {
    const place = at()
    @Gateway('/chat')
    class Chat {
      @On() join(socket: Socket, room: string) {
        socket.join(room)
      }
    }
    @Module({ gateways: [News, Chat] })
    class Root {}
    const nodes = [await place.serve(Root), await place.serve(Root)] as const
    const facility = newFacility()
    const listener = await place.connect(nodes[1], `/ws/${facility}?subscribe-broadcast`, { identity: ann })
    const chatters = await Promise.all(nodes.map((node) => place.connect(node, '/chat')))
    await chatters[0]?.ask({ event: 'join', data: 'lobby' })
    await chatters[1]?.ask({ event: 'join', data: 'lobby' })
    const outside = await place.connect(nodes[0], '/chat')
    await outside.ask({ event: 'join', data: 'cellar' })
    await place.listening(1)
    // What every node wants to hear is heard.
    for (const { app } of nodes) await app.get(contextOf(Chat)).to('lobby').join('other')
    const publisher = createPublisher({ broker: await place.network.make() })
    expect(await publisher.publish(facility, 'from a job', { broadcast: true })).toMatchObject([
      { key: `broadcast:${facility}` },
    ])
    publisher.to('/chat').room('lobby').emit('notice', 1)
    publisher.to('/chat').emit('notice', 2, 'all')
    // At once: what was sent leaves.
    await publisher.close()
    expect(await listener.next()).toEqual(['from a job'])
    for (const one of chatters)
      expect(await one.next(2)).toEqual([
        '{"event":"notice","data":1}',
        '{"event":"notice","args":[2,"all"]}',
      ])
    expect(await outside.next()).toEqual(['{"event":"notice","args":[2,"all"]}'])
    const own = nodes[0].app.get(Publisher)
    own.to('/chat').room('lobby', 'cellar').emit('notice', 3)
    for (const one of [...chatters, outside])
      expect(await one.next()).toEqual(['{"event":"notice","data":3}'])
    expect(() => own.to('/nowhere').emit('notice')).toThrow('no gateway is at /nowhere')
  })
}
