import { expect, test } from 'bun:test'
import { Publisher } from 'partyline'
import { until } from '../broker/network.ts'
import type { Message } from '../client.ts'
import { gatewayWith, type Listener, newFacility, type Place } from './place.ts'

const News = gatewayWith({ publish: true })

export function keeping(at: () => Place): void {
  test('the last message comes first to who comes later, and is kept for as long as it is to be', async () => {
    const place = at()
    const [one, other] = [await place.serve(News), await place.serve(News)]
    const [facility, brief] = [newFacility(), newFacility()]
    const publisher = one.app.get(Publisher)
    await publisher.publish(facility, 'old', { broadcast: true })
    await publisher.publish(facility, 'last', { broadcast: true })
    await publisher.publish(brief, 'brief', { broadcast: true, expiry: 50 })
    await publisher.publish(brief, 'not kept', { broadcast: true, keep: false })
    const late = await place.connect(other, `/ws/${facility}?subscribe-broadcast`)
    expect(await late.next()).toEqual(['last'])
    await publisher.publish(facility, 'new', { broadcast: true })
    expect(await late.next()).toEqual(['new'])
    await until(async () => (await publisher.fetch(brief, { broadcast: true })) === undefined, 'the expiry')
    const none = await place.connect(other, `/ws/${brief}?subscribe-broadcast`)
    await place.listening(2)
    await publisher.publish(brief, 'first', { broadcast: true })
    expect(await none.next()).toEqual(['first'])
  })

  test('a history comes in order, and after a position what is missing, or that it is lost', async () => {
    const place = at()
    const History = gatewayWith({ publish: true, history: 5 })
    const node = await place.serve(History)
    const facility = newFacility()
    const from = await place.connect(node, `/ws/${facility}?publish-broadcast`)
    const publisher = node.app.get(Publisher)
    from.send('0', '1', '2')
    const numbers = async (count: number): Promise<unknown[]> => {
      const client = await place.connect(node, `/ws/${facility}?subscribe-broadcast`)
      return client.next(count)
    }
    await until(async () => (await publisher.fetch(facility, { broadcast: true }))?.text === '2', 'all')
    // As much is kept of what the app publishes.
    for (const text of ['3', '4', '5']) await publisher.publish(facility, text, { broadcast: true })
    expect(await numbers(5)).toEqual(['1', '2', '3', '4', '5'])
    const client = await place.connect(node, `/ws/${facility}`, { framed: true })
    const { data } = await client.ask({ subscribe: 'broadcast' })
    const [last] = (data as { at: [number] }).at
    expect(last).toBeGreaterThan(5)
    const again = async (after: number): Promise<unknown[]> => {
      client.send(JSON.stringify({ subscribe: 'broadcast', after, id: 1 }))
      await until(() => client.waiting.some((one) => String(one).startsWith('{"ack":1,')), 'the answer')
      return client.take().map((one) => JSON.parse(String(one)))
    }
    const ack = { ack: 1, data: { channels: ['broadcast'], at: [last] } }
    expect(await again(last - 2)).toEqual([
      { channel: 'broadcast', data: '4', at: last - 1 },
      { channel: 'broadcast', data: '5', at: last },
      ack,
    ])
    expect(await again(last)).toEqual([ack])
    await publisher.delete(facility, { broadcast: true })
    expect(await again(last - 3)).toEqual([{ channel: 'broadcast', lost: true, at: last }, ack])
  })

  test('1,000 clients that come around a retained message get it once each', async () => {
    const place = at()
    const nodes = [await place.serve(News), await place.serve(News)] as const
    const path = `/ws/${newFacility()}?subscribe-broadcast`
    const come = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, i) => place.connect(nodes[i % 2] ?? nodes[0], path)))
    const publisher = nodes[0].app.get(Publisher)
    const [, before, after] = await Promise.all([
      publisher.publish(path.slice(4).split('?')[0] as string, 'kept', { broadcast: true }),
      come(500),
      // These knock after all those.
      Promise.resolve().then(() => come(500)),
    ])
    const all = [...before, ...after]
    await until(() => all.every(({ waiting }) => waiting.length > 0), 'each to have it')
    await publisher.publish(path.slice(4).split('?')[0] as string, 'end', { broadcast: true })
    await until(() => all.every(({ waiting }) => waiting.at(-1) === 'end'), 'each to have the end')
    const heard = new Set(all.map(({ waiting }) => waiting.join()))
    expect([...heard]).toEqual(['kept,end'])
  })

  test('what is published while 1,000 come is neither lost nor doubled for any', async () => {
    const place = at()
    const nodes = [await place.serve(News), await place.serve(News)] as const
    const facility = newFacility()
    const path = `/ws/${facility}?subscribe-broadcast`
    const publisher = nodes[0].app.get(Publisher)
    await publisher.publish(facility, '0', { broadcast: true })
    const all: Listener[] = []
    let coming: Promise<Listener[]> = Promise.resolve([])
    let last = 0
    for (const wave of Array.from({ length: 20 }, (_, i) => i)) {
      all.push(...(await coming))
      const connect = (i: number) => place.connect(nodes[i % 2] ?? nodes[0], path)
      coming = Promise.all(Array.from({ length: 50 }, (_, i) => connect(i)))
      // Several in one turn, while those are on their way.
      for (let turn = 0; turn < 5; turn++) {
        const sent = Array.from({ length: (wave % 3) + 1 }, () => String(++last))
        await Promise.all(sent.map((text) => publisher.publish(facility, text, { broadcast: true })))
      }
    }
    all.push(...(await coming))
    await publisher.publish(facility, String(++last), { broadcast: true })
    await until(() => all.every(({ waiting }) => waiting.at(-1) === String(last)), 'each to have the last')
    // Each begins with the one that was retained as it came, and has heard every one since.
    const wrong = all.filter(({ waiting }) => !isRun(waiting, last))
    expect(wrong.map(({ waiting }) => waiting.join())).toEqual([])
    const begins = new Set(all.map(({ waiting }) => waiting[0]))
    expect(begins.size).toBeGreaterThan(1)
  })
}

/** Whether these are some number and all after it, up to the last. */
function isRun(messages: readonly Message[], last: number): boolean {
  return messages.every((one, i) => one === String(last - messages.length + 1 + i))
}
