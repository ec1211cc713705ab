import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { channel, keyOf } from '../../lib/channels/names.ts'
import { bytesOf, numbers, until } from '../contract/broker/network.ts'
import { Node, newChannel, type World } from './world.ts'

/** What channels do alike, whatever broker is below. */
export function channelsContract(name: string, open: () => Promise<World>): void {
  let world: World
  const nodes: Node[] = []
  const join = async (): Promise<Node> => {
    const node = new Node(await world.join())
    nodes.push(node)
    return node
  }
  const both = { broadcast: true } as const

  setDefaultTimeout(20_000)

  describe(name, () => {
    beforeAll(async () => {
      world = await open()
    }, 30_000)
    afterEach(async () => {
      for (const { broker } of nodes) world.mend(broker)
      const failures = nodes.flatMap(({ failures }) => failures)
      await Promise.all(nodes.splice(0).map((node) => node.stop()))
      await until(async () => (await world.channels()).length === 0, 'all subscriptions to be gone')
      expect(failures).toEqual([])
    })
    afterAll(() => world.close())

    describe('what is kept', () => {
      test('comes once and first to who comes later, then what is new', async () => {
        const [ann, bob] = [await join(), await join()]
        const to = newChannel()
        await ann.publisher.publish(to.facility, 'old', both)
        const [first] = await ann.publisher.publish(to.facility, 'kept', both)
        const notes = bob.subscribe(to)
        await notes.subscription.ready
        expect(notes.told).toEqual(['kept'])
        await ann.publisher.publish(to.facility, 'new', both)
        await until(() => notes.told.length === 2, 'the new one')
        const late = bob.subscribe(to)
        const none = bob.subscribe(to, { history: 0 })
        await Promise.all([late.subscription.ready, none.subscription.ready])
        await bob.publisher.publish(to.facility, 'last', both)
        await until(() => [notes, late, none].every(({ told }) => told.at(-1) === 'last'), 'the last one')
        expect(notes.told).toEqual(['kept', 'new', 'last'])
        expect(late.told).toEqual(['new', 'last'])
        expect(none.told).toEqual(['last'])
        const at = first?.position as number
        expect(notes.positions).toEqual([at, at + 1, at + 2])
        expect(notes.messages[0]).toMatchObject({ channel: 'broadcast', key: to.key })
      })

      test('is a history, where it is asked for, or what came after a position', async () => {
        const node = await join()
        const to = newChannel()
        const published = await Promise.all(
          numbers(5).map((text) => node.publisher.publish(to.facility, text, { ...both, history: 10 })),
        )
        const positions = published.map(([one]) => one?.position as number)
        const expected: [options: object, told: string[]][] = [
          [{ history: 3 }, ['2', '3', '4']],
          [{ history: 100 }, numbers(5)],
          [{ after: positions[1] }, ['2', '3', '4']],
          [{ after: positions[4] }, []],
          [{ after: 0 }, numbers(5)],
        ]
        const notes = expected.map(([options]) => node.subscribe(to, options))
        await Promise.all(notes.map(({ subscription }) => subscription.ready))
        expect(notes.map(({ told }) => told)).toEqual(expected.map(([, told]) => told))
        await node.publisher.publish(to.facility, 'new', { ...both, history: 10 })
        await until(() => notes.every(({ told }) => told.at(-1) === 'new'), 'the new one')
        expect(notes.map(({ told }) => told.slice(0, -1))).toEqual(expected.map(([, told]) => told))
      })

      test('is all there, also where it is more than is read at a time', async () => {
        const [ann, bob] = [await join(), await join()]
        const to = newChannel()
        const many = { ...both, history: 1_000 }
        const [[first] = []] = await ann.publisher.batch(
          numbers(450).map((text) => ({ ...many, facility: to.facility, data: text })),
        )
        const notes = bob.subscribe(to, { after: first?.position as number })
        const meanwhile = Promise.all(
          numbers(50).map((text) => ann.publisher.publish(to.facility, String(450 + Number(text)), many)),
        )
        await Promise.all([notes.subscription.ready, meanwhile])
        await until(() => notes.told.at(-1) === '499', 'the last one')
        expect(notes.told).toEqual(numbers(500).slice(1))
      })

      test('is told to be lost where it is gone, and what there is comes', async () => {
        const [ann, bob] = [await join(), await join()]
        const to = newChannel()
        const [one] = await ann.publisher.publish(to.facility, 'one', both)
        const after = one?.position as number
        await ann.publisher.publish(to.facility, 'two', both)
        await ann.publisher.delete(to.facility, both)
        await ann.publisher.publish(to.facility, 'three', both)
        const notes = bob.subscribe(to, { after })
        // Positions that were never given.
        const far = bob.subscribe(to, { after: after + 1_000 })
        await Promise.all([notes.subscription.ready, far.subscription.ready])
        expect(notes.told).toEqual(['lost', 'three'])
        expect(notes.gaps).toEqual([{ after, position: after + 1 }])
        expect(far.told).toEqual(['lost'])
        await ann.publisher.publish(to.facility, 'four', both)
        await until(() => [notes, far].every(({ told }) => told.at(-1) === 'four'), 'what is new')
        expect(far.told).toEqual(['lost', 'four'])
      })

      test('is gone when it has expired, or was deleted', async () => {
        const [ann, bob] = [await join(), await join()]
        const { facility, key, ...to } = newChannel()
        await ann.publisher.publish(facility, 'long', { ...both, history: 10 })
        await ann.publisher.publish(facility, 'short', { ...both, history: 10, expiry: 30 })
        await until(async () => (await world.get(key)) === undefined, 'it to expire')
        const told = async (history: number): Promise<string[]> => {
          const notes = bob.subscribe({ facility, ...to }, { history })
          await notes.subscription.ready
          notes.subscription.close()
          return notes.told
        }
        expect(await told(1)).toEqual([])
        expect(await told(10)).toEqual(['long'])
        await ann.publisher.publish(facility, 'longer', { ...both, history: 10 })
        expect(await told(10)).toEqual(['long', 'longer'])
        expect(await ann.publisher.delete(facility, both)).toBe(true)
        expect(await world.get(key)).toBeUndefined()
        expect(await ann.publisher.delete(facility, both)).toBe(false)
        expect(await told(10)).toEqual([])
        await ann.publisher.publish(facility, 'new', { ...both, history: 10 })
        expect(await told(10)).toEqual(['new'])
      })

      test('comes once to each of 1,000 who come at once, read once', async () => {
        const [ann, bob] = [await join(), await join()]
        const to = newChannel()
        await ann.publisher.publish(to.facility, 'kept', both)
        const first = bob.subscribe(to)
        await first.subscription.ready
        bob.reads = 0
        const all = numbers(1_000).map(() => bob.subscribe(to))
        await Promise.all(all.map(({ subscription }) => subscription.ready))
        expect(bob.reads).toBe(1)
        for (const { told } of all) expect(told).toEqual(['kept'])
        expect(bob.hub.stats).toEqual({ channels: 1, subscribers: 1_001 })
        await ann.publisher.publish(to.facility, 'new', both)
        await until(() => all.every(({ told }) => told.length === 2), 'the new one')
        expect(first.told).toEqual(['kept', 'new'])
      })

      test('and what is published while they come is neither lost nor doubled', async () => {
        const [ann, bob] = [await join(), await join()]
        const to = newChannel()
        const terms = { ...both, history: 1_000 }
        await ann.publisher.publish(to.facility, 'kept', terms)
        let isDone = false
        const publishing = (async () => {
          for (let i = 0; !isDone; i++) await ann.publisher.publish(to.facility, String(i), terms)
        })()
        const all: ReturnType<Node['subscribe']>[] = []
        for (let i = 0; i < 40; i++) {
          const come = numbers(10).map(() => bob.subscribe(to))
          all.push(...come)
          await come[0]?.subscription.ready
        }
        await Promise.all(all.map(({ subscription }) => subscription.ready))
        isDone = true
        await publishing
        const [end] = await ann.publisher.publish(to.facility, 'end', terms)
        await until(() => all.every(({ told }) => told.at(-1) === 'end'), 'the end')
        for (const { positions, gaps } of all) {
          expect(gaps).toEqual([])
          const first = positions[0] as number
          expect(positions).toEqual(
            numbers((end?.position as number) - first + 1).map((i) => first + Number(i)),
          )
        }
      })
    })

    describe('other programs', () => {
      test('publish by name, and what they publish arrives as it is', async () => {
        const node = await join()
        const facility = newChannel().facility
        const channels = [
          channel(facility, 'broadcast'),
          channel(facility, 'user', 'ann'),
          channel(facility, 'group', 'staff'),
          channel(facility, 'session', 'k3y'),
        ]
        const all = channels.map((one) => node.subscribe(one))
        await Promise.all(all.map(({ subscription }) => subscription.ready))
        const names = [
          `broadcast:${facility}`,
          `user:ann:${facility}`,
          `group:staff:${facility}`,
          `session:k3y:${facility}`,
        ]
        expect(channels.map(keyOf)).toEqual(names)
        for (const name of names) await world.publish(name, bytesOf(`Hello ${name}`))
        await world.publish(names[0] as string, Uint8Array.of(0xff, 0, 0xc3))
        await until(() => all.every(({ told }) => told.length > 0) && all[0]?.told.length === 2, 'all of it')
        expect(all.map(({ told }) => told[0])).toEqual(names.map((name) => `Hello ${name}`))
        expect(all[0]?.messages[0]).toMatchObject({ position: undefined, data: `Hello ${names[0]}` })
        expect(all[0]?.messages[1]?.data).toEqual(Uint8Array.of(0xff, 0, 0xc3))
        expect(all.map(({ messages }) => messages[0]?.channel)).toEqual([
          'broadcast',
          'user',
          'group:staff',
          'session',
        ])
      })

      test('find under these names what was published, byte by byte', async () => {
        const [ann, bob] = [await join(), await join()]
        const facility = newChannel().facility
        const bytes = Uint8Array.from([0, 255, 13, 10, 200, 123])
        const to = { users: ['ann'], groups: ['staff'], sessions: ['k3y'], broadcast: true }
        const published: [data: unknown, bare: Uint8Array][] = [
          ['Grüße, "Welt"\n', bytesOf('Grüße, "Welt"\n')],
          ['', bytesOf('')],
          ['{"a":1}', bytesOf('{"a":1}')],
          [{ a: [1, 'ü', null] }, bytesOf('{"a":[1,"ü",null]}')],
          [5, bytesOf('5')],
          [null, bytesOf('null')],
          [bytes, bytes],
        ]
        const notes = bob.subscribe(channel(facility, 'user', 'ann'))
        await notes.subscription.ready
        for (const [data, bare] of published) {
          await ann.publisher.publish(facility, data, to)
          for (const name of ['broadcast:', 'user:ann:', 'group:staff:', 'session:k3y:'])
            expect(await world.get(name + facility)).toEqual(bare)
          // It comes as what it was: to who listens, to who comes, and to who asks.
          const late = bob.subscribe(channel(facility, 'user', 'ann'))
          await late.subscription.ready
          expect(late.messages.map(({ data }) => data)).toEqual([data])
          expect((await bob.publisher.fetch(facility, to))?.data).toEqual(data)
        }
        await until(() => notes.messages.length === published.length, 'all of them')
        expect(notes.messages.map(({ data }) => data)).toEqual(published.map(([data]) => data))
      })

      test('set and delete what is retained', async () => {
        const node = await join()
        const to = newChannel()
        const told = async (options: object): Promise<string[]> => {
          const notes = node.subscribe(to, options)
          await notes.subscription.ready
          notes.subscription.close()
          return notes.told
        }
        await world.set(to.key, bytesOf('theirs'))
        expect(await told({})).toEqual(['theirs'])
        expect((await node.publisher.fetch(to.facility, both))?.data).toBe('theirs')
        const terms = { ...both, history: 10 }
        const [first] = await node.publisher.publish(to.facility, 'ours', terms)
        await node.publisher.publish(to.facility, 'too', terms)
        expect(await told({})).toEqual(['too'])
        await world.set(to.key, bytesOf('anew'))
        expect(await told({})).toEqual(['anew'])
        expect(await told({ history: 10 })).toEqual(['ours', 'too', 'anew'])
        expect(await told({ history: 2 })).toEqual(['too', 'anew'])
        // Who comes back cannot know whether it is news.
        expect(await told({ after: first?.position as number })).toEqual(['too', 'anew'])
        await world.delete(to.key)
        expect(await told({})).toEqual([])
        expect(await told({ history: 10 })).toEqual(['ours'])
        expect(await node.publisher.fetch(to.facility, both)).toBeUndefined()
      })

      test('that set and publish the same are heard once', async () => {
        const node = await join()
        const to = newChannel()
        await world.set(to.key, bytesOf('same'))
        const notes = node.subscribe(to)
        await notes.subscription.ready
        await world.publish(to.key, bytesOf('same'))
        await world.publish(to.key, bytesOf('same'))
        await world.publish(to.key, bytesOf('other'))
        await until(() => notes.told.at(-1) === 'other', 'the other')
        // The second is one of its own.
        expect(notes.told).toEqual(['same', 'same', 'other'])
      })
    })

    test('what is not kept is heard by who listens, on all nodes, and by nobody later', async () => {
      const [ann, bob] = [await join(), await join()]
      const to = newChannel()
      await ann.publisher.publish(to.facility, 'kept', both)
      const all = [ann.subscribe(to), bob.subscribe(to)]
      await Promise.all(all.map(({ subscription }) => subscription.ready))
      const [published] = await ann.publisher.publish(to.facility, { x: 1 }, { ...both, keep: false })
      await bob.publisher.publish(to.facility, Uint8Array.of(7), { ...both, expiry: 0 })
      expect(published).toEqual({ channel: 'broadcast', key: to.key, position: undefined })
      await until(() => all.every(({ told }) => told.length === 3), 'both of them')
      for (const { messages } of all) {
        expect(messages.map(({ data }) => data)).toContainEqual({ x: 1 })
        expect(messages.map(({ data }) => data)).toContainEqual(Uint8Array.of(7))
        expect(messages.slice(1).map(({ position }) => position)).toEqual([undefined, undefined])
      }
      expect(await world.get(to.key)).toEqual(bytesOf('kept'))
    })

    test('what is not kept is heard on all nodes also where it is as large as it may be: a byte more was dropped on its way', async () => {
      const [ann, bob] = [await join(), await join()]
      const to = newChannel()
      const notes = bob.subscribe(to)
      await notes.subscription.ready
      const largest = 'x'.repeat(1 << 20)
      await ann.publisher.publish(to.facility, largest, { ...both, keep: false })
      await until(() => notes.told.length === 1, 'the large one')
      expect(notes.told[0] === largest).toBe(true)
      await expect(
        ann.publisher.publish(to.facility, `${largest}x`, { ...both, keep: false }),
      ).rejects.toMatchObject({ code: 'INVALID_DATA' })
    })

    test('who is not to hear what it publishes itself does not, and all others do', async () => {
      const [ann, bob] = [await join(), await join()]
      const to = newChannel()
      const [own, other, far] = [ann.subscribe(to), ann.subscribe(to), bob.subscribe(to)]
      const all = [own, other, far]
      await Promise.all(all.map(({ subscription }) => subscription.ready))
      const send = (text: string, expiry: number, except = own.subscription) =>
        ann.hub.send(to, { bytes: bytesOf(text), kind: 'text' }, { history: 10, expiry, except })
      await send('kept', 60_000)
      await send('unkept', 0)
      // A subscription to another channel hears nothing here anyway.
      await send('all', 60_000, ann.subscribe(newChannel()).subscription)
      await until(() => all.every(({ told }) => told.includes('all')), 'the last one')
      await until(() => far.told.length === 3, 'what was not kept')
      expect(own.told).toEqual(['all'])
      expect([...other.told].sort()).toEqual(['all', 'kept', 'unkept'])
    })

    test('a channel is followed once for all who listen, until the last of them goes', async () => {
      const node = await join()
      const to = newChannel()
      const all = numbers(3).map(() => node.subscribe(to))
      await Promise.all(all.map(({ subscription }) => subscription.ready))
      expect(await world.channels()).toHaveLength(1)
      all[0]?.subscription.close()
      all[0]?.subscription.close()
      all[1]?.subscription.close()
      expect(node.hub.stats).toEqual({ channels: 1, subscribers: 1 })
      await node.publisher.publish(to.facility, 'on', both)
      await until(() => all[2]?.told.length === 1, 'it')
      all[2]?.subscription.close()
      // Also who goes before anything was there.
      const brief = node.subscribe(to)
      brief.subscription.close()
      await brief.subscription.ready
      await until(async () => (await world.channels()).length === 0, 'nothing to be listened to')
      expect(all.map(({ told }) => told)).toEqual([[], [], ['on']])
      expect(brief.told).toEqual([])
      expect(node.hub.stats).toEqual({ channels: 0, subscribers: 0 })
    })

    test('what was missed while the broker was away comes, or is told to be lost', async () => {
      const [ann, bob] = [await join(), await join()]
      const [to, scarce] = [newChannel(), newChannel()]
      const terms = { ...both, history: 100 }
      const notes = bob.subscribe(to)
      await notes.subscription.ready
      await ann.publisher.publish(to.facility, '0', terms)
      await until(() => notes.told.length === 1, 'the first')
      world.cut(bob.broker)
      await until(() => bob.broker.state === 'away', 'it to be away')
      for (const text of numbers(5).slice(1)) await ann.publisher.publish(to.facility, text, terms)
      await ann.publisher.publish(scarce.facility, 'kept', both)
      const late = bob.subscribe(scarce)
      const coming = bob.subscribe(to, { history: 2 })
      world.mend(bob.broker)
      await Promise.all([late.subscription.ready, coming.subscription.ready])
      expect(late.told).toEqual(['kept'])
      await until(() => notes.told.length === 5, 'all of them')
      expect(notes.told).toEqual(numbers(5))
      expect(coming.told).toEqual(['3', '4'])

      world.cut(bob.broker)
      await until(() => bob.broker.state === 'away', 'it to be away')
      await ann.publisher.publish(scarce.facility, 'missed', both)
      await ann.publisher.delete(scarce.facility, both)
      await ann.publisher.publish(scarce.facility, 'new', both)
      world.mend(bob.broker)
      await until(() => late.told.at(-1) === 'new', 'what there is')
      expect(late.told).toEqual(['kept', 'lost', 'new'])
    })

    test('a subscriber that throws keeps nobody from hearing', async () => {
      const node = await join()
      const to = newChannel()
      const error = new Error('not today')
      const failing = {
        message() {
          throw error
        },
        lost() {},
      }
      await node.hub.subscribe(to, failing).ready
      const notes = node.subscribe(to)
      await notes.subscription.ready
      await node.publisher.publish(to.facility, 'on', both)
      await until(() => notes.told.length === 1, 'it')
      expect(node.failures.splice(0)).toEqual([error])
    })

    test('what is kept is found for a session first, then user, groups and broadcast', async () => {
      const [ann, bob] = [await join(), await join()]
      const facility = newChannel().facility
      const all = { sessions: ['k3y'], users: ['ann'], groups: ['none', 'staff'], broadcast: true }
      const found = async (): Promise<unknown> => (await bob.publisher.fetch(facility, all))?.data
      expect(await found()).toBeUndefined()
      const ways = [
        { broadcast: true },
        { groups: ['staff'] },
        { users: ['ann'] },
        { sessions: ['k3y'] },
      ] as const
      for (const [i, way] of ways.entries()) {
        await ann.publisher.publish(facility, i, way)
        expect(await found()).toBe(i)
      }
      for (const [i, way] of [...ways.entries()].reverse()) {
        expect(await found()).toBe(i)
        await ann.publisher.delete(facility, way)
      }
      expect(await found()).toBeUndefined()
    })
  })
}
