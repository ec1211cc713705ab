import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test'
import { Gateway, On, type Socket } from 'partyline'
import { until } from './broker/network.ts'
import { byHeader, type ChannelsNetwork, Place } from './channels/place.ts'

@Gateway('/chat', { presence: {}, authenticate: byHeader })
class Chat {
  @On() join(socket: Socket, room: string) {
    socket.join(room)
  }
  @On() leave(socket: Socket, room: string) {
    socket.leave(room)
  }
}

/** What gateways with presence do alike, on whatever runtime and over whatever broker. */
export function presenceGatewayContract(name: string, open: () => Promise<ChannelsNetwork>): void {
  let network: ChannelsNetwork
  let place: Place

  setDefaultTimeout(20_000)

  const watched = async (): Promise<string[]> =>
    (await network.channels()).filter((channel) => channel.includes('presence'))

  describe(name, () => {
    beforeAll(async () => {
      network = await open()
    }, 30_000)
    beforeEach(() => {
      place = new Place(network)
    })
    afterEach(async () => {
      await place.finish()
      expect(await watched()).toEqual([])
    })
    afterAll(() => network.close())

    test('members of all nodes are known and told, and nothing is listened to once nobody watches', async () => {
      const nodes = [await place.serve(Chat), await place.serve(Chat)] as const
      const framed = true
      const ann = await place.connect(nodes[0], '/chat', { identity: { user: 'ann' }, framed })
      const bob = await place.connect(nodes[1], '/chat', { identity: { user: 'bob' }, framed })
      await bob.ask({ event: 'join', data: 'lobby' })
      expect(await watched()).toEqual([])
      await ann.ask({ event: 'join', data: 'lobby' })
      const members = (await ann.ask({ watch: 'lobby' })) as { data: { id: string }[] }
      expect(members.data.map(({ id }) => id).sort()).toEqual(['ann', 'bob'])
      expect((await watched()).length).toBeGreaterThan(0)
      const cid = await place.connect(nodes[1], '/chat', { identity: { user: 'cid' }, framed })
      await cid.ask({ event: 'join', data: 'lobby' })
      expect(await ann.frames()).toEqual([{ presence: 'lobby', joined: [{ id: 'cid', state: {} }] }])
      // One user, two connections: neither the second nor its end is told.
      const again = await place.connect(nodes[0], '/chat', { identity: { user: 'cid' }, framed })
      await again.ask({ event: 'join', data: 'lobby' })
      cid.client.close()
      await again.ask({ event: 'leave', data: 'lobby' })
      expect(await ann.frames()).toEqual([{ presence: 'lobby', left: ['cid'] }])
      await bob.ask({ event: 'leave', data: 'lobby' })
      expect(await ann.frames()).toEqual([{ presence: 'lobby', left: ['bob'] }])
      ann.client.vanish()
      await until(async () => (await watched()).length === 0, 'the watch to be gone')
    })

    test('while the broker is away those of the same node are told, and the others when it is back', async () => {
      const nodes = [await place.serve(Chat), await place.serve(Chat)] as const
      const come = async (node: (typeof nodes)[0], user: string) => {
        const one = await place.connect(node, '/chat', { identity: { user }, framed: true })
        await one.ask({ event: 'join', data: 'lobby' })
        return one
      }
      const ann = await come(nodes[0], 'ann')
      await ann.ask({ watch: 'lobby' })
      network.cut(nodes[0].broker)
      await until(() => nodes[0].broker.state === 'away', 'the broker to be away')
      await come(nodes[1], 'bob')
      await come(nodes[0], 'cid')
      expect(await ann.frames()).toEqual([{ presence: 'lobby', joined: [{ id: 'cid', state: {} }] }])
      network.mend(nodes[0].broker)
      expect(await ann.frames()).toEqual([{ presence: 'lobby', joined: [{ id: 'bob', state: {} }] }])
      nodes[0].logged()
    })
  })
}
