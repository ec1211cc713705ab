import { expect, test } from 'bun:test'
import type { Broker } from '../../../lib/broker/broker.ts'
import type { NodesChange } from '../../../lib/broker/nodes.ts'
import { type Join, until } from './network.ts'

/** Notes what is told of nodes. */
function watch(broker: Broker): { joined: string[]; left: string[]; lapses: number } {
  const told = { joined: [] as string[], left: [] as string[], lapses: 0 }
  broker.nodes.onChange(({ joined, left, lapsed }: NodesChange) => {
    told.joined.push(...joined)
    told.left.push(...left)
    if (lapsed) told.lapses++
  })
  return told
}

const sees = (broker: Broker, others: Broker[]): boolean =>
  [...broker.nodes.live].sort().join() ===
  [broker, ...others]
    .map(({ node }) => node)
    .sort()
    .join()

export function nodes(join: Join): void {
  test('know each other as soon as they come, and as soon as they stop', async () => {
    const network = join()
    // None runs out while anybody waits here: what is known is known because it was said.
    const lease = 60_000
    const ann = await network.join({ lease })
    expect(ann.node).toMatch(/^[0-9a-f]{16}$/)
    await until(() => sees(ann, []), 'only itself')
    const told = watch(ann)
    const bob = await network.join({ lease })
    await until(() => sees(ann, [bob]) && sees(bob, [ann]), 'both')
    const eve = await network.join({ lease })
    await until(() => sees(ann, [bob, eve]) && sees(eve, [ann, bob]), 'all three')
    expect(told).toEqual({ joined: [bob.node, eve.node], left: [], lapses: 0 })
    await eve.stop()
    await until(() => sees(ann, [bob]) && sees(bob, [ann]), 'two of them')
    expect(told.left).toEqual([eve.node])
    expect(ann.nodes.lease).toBe(lease)
  })

  test('that die are known to be gone when their leases have run out, and the others are not', async () => {
    const network = join()
    const [ann, bob, eve] = await Promise.all([network.join(), network.join(), network.join()])
    await until(() => sees(ann, [bob, eve]) && sees(bob, [ann, eve]), 'all three')
    const told = watch(ann)
    network.cut(eve)
    await until(() => sees(ann, [bob]) && sees(bob, [ann]), 'two of them')
    expect(told).toEqual({ joined: [], left: [eve.node], lapses: 0 })
  })

  test('that were away for longer than their leases are told so, and come back', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    await until(() => sees(ann, [bob]) && sees(bob, [ann]), 'both')
    const [ofAnn, ofBob] = [watch(ann), watch(bob)]
    network.cut(bob)
    await until(() => sees(ann, []), 'one of them')
    network.mend(bob)
    await until(() => sees(ann, [bob]) && ofBob.lapses === 1, 'it to be back')
    expect(ofAnn).toEqual({ joined: [bob.node], left: [bob.node], lapses: 0 })
    // It was itself that was away: it has seen nobody leave.
    expect(ofBob).toEqual({ joined: [], left: [], lapses: 1 })
    expect(sees(bob, [ann])).toBe(true)
  })
}
