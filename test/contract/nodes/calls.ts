import { expect, test } from 'bun:test'
import { event } from 'partyline'
import { z } from 'zod'
import { bytes, hex } from '../../support/hex.ts'
import { until } from '../broker/network.ts'
import type { Nodes } from './fleet.ts'
import { codecs, MSGPACK, party, Talk, TalkModule } from './talk.ts'

const LONG = 600_000

export function calls(fleet: Nodes): void {
  test('an audience is asked on all nodes, and each answers or fails', async () => {
    const { nodes, members } = await party(fleet(), [['a']], [['a'], ['a'], ['b']], [['a']])
    const context = fleet().context(nodes[0] as (typeof nodes)[0], Talk)
    const asked = context.to('a').call('sum', [1, 2], { timeout: 1_000 })
    const replies = [
      '"data":3',
      '"error":{"code":"NO_HEAD","message":"no","details":{"for":"sums"}}',
      '"data":"3"',
      '',
      '',
    ]
    for (const i of [0, 1, 2, 4]) {
      expect(await members[i]?.next()).toEqual(['{"event":"sum","data":[1,2],"id":1}'])
      // The last says nothing.
      if (replies[i]) members[i]?.client.send(`{"ack":1,${replies[i]}}`)
    }
    const answers = await asked
    const told = answers.map(({ data, error }) => error?.code ?? data)
    expect(told[0]).toBe(3)
    expect(told.map(String).sort()).toEqual(['3', '3', 'NO_HEAD', 'TIMEOUT'])
    const failed = answers.find(({ error }) => error?.code === 'NO_HEAD')
    expect(failed?.error?.details).toEqual({ for: 'sums' })
    const ids = (await context.fetchSockets('a')).map(({ id }) => id)
    expect(answers.map(({ socket }) => socket.id).sort()).toEqual(ids.sort())
    expect(members[3]?.take()).toEqual([])
    expect(nodes.map((node) => node.stats().nodesMissed)).toEqual([0, 0, 0])
  })

  test('an answer of another node’s client is what the schema makes of it, and may have bytes', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { codecs })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const packed = await one.connect(bob, '/talk', { subprotocols: [MSGPACK] })
    await packed.next()
    await one.settled(Talk, 1)
    const context = one.context(ann, Talk)
    const age = event('age', { reply: z.string().transform(Number) })
    const asked = context.call(age)
    await packed.next()
    // [1, 1, "42"]
    packed.client.send(bytes("93 01 01 a2'42'"))
    expect((await asked).map(({ data }) => data)).toEqual([42])
    const again = context.call(age)
    await packed.next()
    packed.client.send(bytes('93 01 02 07'))
    expect((await again).map(({ error }) => error?.code)).toEqual(['INVALID_DATA'])
    const file = context.call('file', bytes('ff'))
    const [request] = await packed.next()
    expect(hex(request as Uint8Array)).toBe(hex(bytes("94 00 a4'file' 91 c4 01 ff 03")))
    packed.client.send(bytes('93 01 03 c4 02 00 ff'))
    expect((await file).map(({ data }) => data)).toEqual([bytes('00 ff')])
  })

  test('a node that was killed is not waited for beyond the deadline', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { lease: LONG })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const here = await one.connect(ann, '/talk')
    await one.connect(bob, '/talk')
    await one.settled(Talk, 2)
    one.kill(bob)
    const asked = one.context(ann, Talk).call('q', 1, { timeout: 50 })
    await here.next()
    here.client.send('{"ack":1,"data":"a"}')
    expect((await asked).map(({ data }) => data)).toEqual(['a'])
    expect(ann.stats().nodesMissed).toBe(1)
  })

  test('a node that was killed is not waited for once its lease is over, whatever the deadline', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule)
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    await one.connect(bob, '/talk')
    await one.settled(Talk, 1)
    one.kill(bob)
    expect(await one.context(ann, Talk).call('q', 1, { timeout: Number.POSITIVE_INFINITY })).toEqual([])
    expect(ann.stats().nodesMissed).toBe(0)
    expect(await one.context(ann, Talk).count()).toBe(0)
  })

  test('a node that leaves in good order is not waited for at all', async () => {
    const one = fleet()
    const nodes = await one.launch(3, TalkModule, { lease: LONG })
    const [ann, bob, eve] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    const there = await one.connect(bob, '/talk')
    await one.settled(Talk, 1)
    const asked = one.context(ann, Talk).call('q', 1, { timeout: Number.POSITIVE_INFINITY })
    await there.next()
    await bob.stop()
    // Its client has gone, and it may have had the time to say so.
    const answers = await asked
    expect(answers.map(({ error }) => error?.code).join()).toMatch(/^(DISCONNECTED)?$/)
    expect(await one.context(ann, Talk).count()).toBe(0)
    await until(() => eve.stats().broker?.nodes === 2, 'it to be known')
    expect(ann.stats().nodesMissed).toBe(0)
  })
}
