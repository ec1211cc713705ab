import { describe, expect, test } from 'bun:test'
import type { Broker } from '../../../lib/broker/broker.ts'
import type { AppendOptions, Entry, Slice } from '../../../lib/broker/streams.ts'
import { bytesOf, type Join, kept, Log, Notes, newName, numbers, textOf, textsOf, until } from './network.ts'

/** Appends texts, and waits for all of them. */
async function append(
  broker: Broker,
  stream: string,
  texts: string[],
  options: AppendOptions = kept,
): Promise<number[]> {
  return Promise.all(texts.map((text) => broker.streams.append(stream, bytesOf(text), options)))
}

export function streams(join: Join): void {
  test('give each entry the position after the one before it', async () => {
    const broker = await join().join()
    const stream = newName()
    const positions = await append(broker, stream, numbers(20))
    const [first = 0] = positions
    expect(Number.isSafeInteger(first) && first > 0).toBe(true)
    expect(positions).toEqual(numbers(20).map((number) => first + Number(number)))
    // Another stream has positions of its own.
    const [other = 0] = await append(broker, newName(), ['a'])
    expect(await append(broker, stream, ['next'])).toEqual([first + 20])
    expect(other).not.toBe(first + 20)
  })

  test('reach all who follow in one order, those who appended included', async () => {
    const network = join()
    const brokers = await Promise.all([network.join(), network.join(), network.join()])
    const stream = newName()
    const logs = brokers.map(() => new Log())
    const following = brokers.map((broker, i) => broker.streams.follow(stream, logs[i] as Log))
    await Promise.all(following.map(({ ready }) => ready))

    const counts = numbers(100)
    const appended = await Promise.all(
      brokers.map(async (broker, i) => {
        const positions: number[] = []
        for (const count of counts) {
          const position = broker.streams.append(stream, bytesOf(`${i} ${count}`), kept)
          if (Number(count) % 10 === 0) await position
          positions.push(await position)
        }
        return positions
      }),
    )
    await until(() => logs.every(({ entries }) => entries.length === 300), 'all of them everywhere')
    const [first] = logs as [Log]
    for (const { entries } of logs) expect(entries).toEqual(first.entries)
    for (const [i, broker] of brokers.entries()) {
      const own = first.entries.filter(({ from }) => from === broker.node)
      expect(textsOf(own)).toEqual(counts.map((count) => `${i} ${count}`))
      expect(own.map(({ position }) => position)).toEqual(appended[i] as number[])
    }
    const [start = 0] = first.entries.map(({ position }) => position)
    expect(first.entries.map(({ position }) => position)).toEqual(first.entries.map((_, i) => start + i))
    expect(following.map(({ position }) => position)).toEqual([start + 299, start + 299, start + 299])
    expect(brokers.map(({ counters }) => counters.received)).toEqual([200, 200, 200])
    expect(logs.flatMap(({ gaps }) => gaps)).toEqual([])
  })

  test('take what is appended in one turn in the order of the calls', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const stream = newName()
    const log = new Log()
    await bob.streams.follow(stream, log).ready
    await append(ann, stream, numbers(300))
    await until(() => log.entries.length === 300, 'all of them')
    expect(log.texts).toEqual(numbers(300))
  })

  test('are read from a position on, or from the end', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const stream = newName()
    const positions = await append(ann, stream, numbers(10))
    const at = (index: number): number => positions[index] as number
    const read = async (options?: { after?: number; limit?: number }): Promise<unknown> => {
      const { entries, position, last, gap } = await bob.streams.read(stream, options)
      expect(last).toBe(at(9))
      expect(gap).toBeUndefined()
      expect(entries.map(({ position }) => position)).toEqual(
        textsOf(entries).map((text) => at(Number(text))),
      )
      return [textsOf(entries).join(''), position - at(0)]
    }
    expect(await read()).toEqual(['0123456789', 9])
    expect(await read({ limit: 3 })).toEqual(['789', 9])
    expect(await read({ limit: 0 })).toEqual(['', 9])
    expect(await read({ after: at(6) })).toEqual(['789', 9])
    expect(await read({ after: at(2), limit: 3 })).toEqual(['345', 5])
    expect(await read({ after: at(9) })).toEqual(['', 9])
    expect(await read({ after: 0, limit: 4 })).toEqual(['0123', 3])
  })

  test('carry a tag with each entry, which is none of its bytes', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const name = newName('broadcast:')
    const log = new Log()
    await bob.streams.follow(name, log, { open: true }).ready
    const tags = [undefined, 0, 1, 2 ** 32 - 1]
    for (const tag of tags) {
      await ann.streams.append(name, bytesOf('bare'), { ...kept, open: true, tag })
      expect(await bob.values.get(name)).toEqual(bytesOf('bare'))
    }
    await until(() => log.entries.length === tags.length, 'all of them')
    const { entries, kept: value } = await bob.streams.read(name, { open: true })
    for (const found of [log.entries, entries])
      expect(found.map(({ tag, bytes }) => [textOf(bytes), tag])).toEqual(
        tags.map((tag) => ['bare', tag || undefined]),
      )
    expect(value).toEqual({ bytes: bytesOf('bare'), position: entries.at(-1)?.position })
  })

  test('are cleared, and positions go on', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    for (const options of [{}, { open: true }]) {
      const name = newName('cleared')
      expect(await ann.streams.clear(name, options)).toBe(false)
      const [first = 0] = await append(ann, name, ['a', 'b'], { ...kept, ...options })
      const log = new Log()
      await bob.streams.follow(name, log, options).ready
      expect(await bob.streams.clear(name, options)).toBe(true)
      expect(await bob.streams.clear(name, options)).toBe(false)
      const last = first + 1
      expect(await ann.streams.read(name, options)).toEqual({
        entries: [],
        position: last,
        last,
        gap: undefined,
        kept: undefined,
      })
      expect(await ann.values.get(name)).toBeUndefined()
      expect((await ann.streams.read(name, { ...options, after: first })).gap).toEqual({
        after: first,
        position: last,
      })
      expect(await append(ann, name, ['c'], { ...kept, ...options })).toEqual([first + 2])
      await until(() => log.entries.length === 1, 'the next one')
      expect([log.texts, log.gaps]).toEqual([['c'], []])
    }
    // What another program has set goes with it.
    const name = newName('cleared')
    await ann.values.set(name, bytesOf('theirs'), { ttl: 60_000 })
    expect(await ann.streams.clear(name, { open: true })).toBe(true)
    expect(await ann.values.get(name)).toBeUndefined()
  })

  test('of which nobody knows are empty', async () => {
    const { streams } = await join().join()
    const nothing: Slice = { entries: [], position: 0, last: 0, gap: undefined, kept: undefined }
    expect(await streams.read(newName())).toEqual(nothing)
    expect(await streams.read(newName(), { after: 0 })).toEqual(nothing)
    const after = 123_456_789_012
    expect(await streams.read(newName(), { after })).toEqual({ ...nothing, gap: { after, position: 0 } })
  })

  test('say what is missing where entries are not kept any more', async () => {
    const network = join()
    const broker = await network.join()
    const stream = newName()
    const count = network.trims === 'exactly' ? 30 : 600
    const positions = await append(broker, stream, numbers(count), { limit: 5, ttl: 60_000 })
    const [first = 0] = positions
    const last = first + count - 1
    const { entries, gap } = await broker.streams.read(stream, { after: first, limit: 1_000 })
    expect(entries.length).toBeGreaterThanOrEqual(5)
    expect(entries.length).toBeLessThan(count / 2)
    expect(entries.at(-1)?.position).toBe(last)
    expect(gap).toEqual({ after: first, position: (entries[0] as Entry).position - 1 })
    expect((await broker.streams.read(stream, { after: last - 3 })).gap).toBeUndefined()
    expect((await broker.streams.read(stream, { after: 0 })).gap?.after).toBe(0)
    // Positions that were never given.
    expect((await broker.streams.read(stream, { after: last + 7 })).gap).toEqual({
      after: last + 7,
      position: last,
    })
    const newest = await broker.streams.read(stream, { limit: 2 })
    expect(textsOf(newest.entries)).toEqual([String(count - 2), String(count - 1)])
    expect(newest.gap).toBeUndefined()
  })

  test('forget entries that have expired, and no position', async () => {
    const network = join()
    const broker = await network.join()
    const stream = newName()
    const [first = 0] = await append(broker, stream, ['long'], { limit: 10, ttl: 60_000 })
    await append(broker, stream, ['short', 'brief'], { limit: 10, ttl: 40 })
    const read = async (after?: number) => broker.streams.read(stream, after === undefined ? {} : { after })
    await until(async () => (await read()).entries.length === 1, 'the short ones to be gone')
    expect(textsOf((await read()).entries)).toEqual(['long'])
    // They are passed over, and are no gap: nobody was to have them any more.
    expect(await read(first)).toMatchObject({
      entries: [],
      gap: undefined,
      position: first + 2,
      last: first + 2,
    })
    expect(await append(broker, stream, ['later'], { limit: 10, ttl: 60_000 })).toEqual([first + 3])

    const brief = newName()
    const [before = 0] = await append(broker, brief, ['a', 'b'], { limit: 10, ttl: 30 })
    await until(async () => (await broker.streams.read(brief)).entries.length === 0, 'all of it to be gone')
    expect((await broker.streams.read(brief)).last).toBe(before + 1)
    expect(await append(broker, brief, ['c'])).toEqual([before + 2])
  })

  test('are forgotten after their memory, and begin anew above all that they had', async () => {
    const network = join()
    const broker = await network.join()
    const [remembered, forgotten] = [newName(), newName()]
    const brief = { limit: 10, ttl: 30, memory: 30 }
    // What one append asked for, a later one does not make less.
    await append(broker, remembered, ['long'], { limit: 10, ttl: 30, memory: 600_000 })
    const [last = 0] = await append(broker, remembered, ['brief'], brief)
    const [before = 0] = await append(broker, forgotten, ['a'], brief)
    await until(async () => (await broker.streams.read(forgotten)).last === 0, 'it to be forgotten')
    expect((await broker.streams.read(remembered)).last).toBe(last)
    // Who was there is told, and what it has not seen comes later than all that it has.
    const gap = { after: before, position: 0 }
    expect((await broker.streams.read(forgotten, { after: before })).gap).toEqual(gap)
    const [next = 0] = await append(broker, forgotten, ['b'])
    expect(next).toBeGreaterThan(before + 1)
    expect(textsOf((await broker.streams.read(forgotten, { after: 0 })).entries)).toEqual(['b'])
  })

  describe('can be followed', () => {
    test('from a position on: what is kept first, and then what comes, without a hole', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const stream = newName()
      const positions = await append(ann, stream, numbers(250))
      const log = new Log()
      const appending = (async () => {
        for (const number of numbers(250)) {
          await ann.streams.append(stream, bytesOf(String(250 + Number(number))), kept)
        }
      })()
      const following = bob.streams.follow(stream, log, { after: positions[9] as number })
      await Promise.all([appending, following.ready])
      await until(() => log.entries.length >= 490, 'all of them')
      expect(log.texts).toEqual(numbers(500).slice(10))
      expect(log.gaps).toEqual([])
    })

    test('from now on, by who comes at any moment', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const stream = newName()
      let isDone = false
      const appending = (async () => {
        for (let i = 0; !isDone; i++) await ann.streams.append(stream, bytesOf(String(i)), kept)
      })()
      const logs = await Promise.all(
        numbers(20).map(async () => {
          const log = new Log()
          const following = bob.streams.follow(stream, log)
          await following.ready
          // Who has come knows how far it was: so what was kept until then, and what follows, is everything.
          const before = await bob.streams.read(stream, { limit: 10_000 })
          return { log, start: before.entries }
        }),
      )
      isDone = true
      await appending
      const { entries, last } = await bob.streams.read(stream, { limit: 10_000 })
      await until(() => logs.every(({ log }) => log.entries.at(-1)?.position === last), 'all of them')
      for (const { log } of logs) {
        expect(log.entries).toEqual(entries.slice(-log.entries.length))
        expect(log.gaps).toEqual([])
      }
    })

    test('by who is told what it cannot have', async () => {
      const network = join()
      const broker = await network.join()
      const stream = newName()
      const count = network.trims === 'exactly' ? 30 : 600
      const [first = 0] = await append(broker, stream, numbers(count), { limit: 5, ttl: 60_000 })
      const log = new Log()
      await broker.streams.follow(stream, log, { after: first }).ready
      const [oldest] = log.entries
      expect(log.gaps).toEqual([{ after: first, position: (oldest as Entry).position - 1 }])
      expect(log.texts.at(-1)).toBe(String(count - 1))
      expect(log.texts).toEqual(numbers(count).slice(-log.texts.length))
      expect(broker.counters.gaps).toBe(1)
    })

    test('until that is closed, also by the follower itself', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const stream = newName()
      const [log, other] = [new Log(), new Log()]
      const following = bob.streams.follow(stream, {
        entry(entry) {
          log.entry(entry)
          if (log.entries.length === 3) following.close()
        },
        gap: (gap) => log.gap(gap),
      })
      await Promise.all([following.ready, bob.streams.follow(stream, other).ready])
      await append(ann, stream, numbers(10))
      await until(() => other.entries.length === 10, 'the other')
      expect(log.texts).toEqual(['0', '1', '2'])
    })

    test('by one that throws, which is logged, and is not asked again', async () => {
      const network = join()
      const broker = await network.join()
      const stream = newName()
      const log = new Log()
      const follower = {
        entry(entry: Entry) {
          log.entry(entry)
          if (textOf(entry.bytes) === '1') throw new Error('not that one')
        },
        gap() {},
      }
      await broker.streams.follow(stream, follower).ready
      await append(broker, stream, numbers(3))
      await until(() => log.entries.length === 3, 'all of them')
      expect(log.texts).toEqual(['0', '1', '2'])
      const logged = network.log.take().filter(({ level }) => level === 'error')
      expect(logged).toMatchObject([{ error: new Error('not that one') }])
    })
  })

  describe('that are open', () => {
    test('set the value of their name, which other programs read', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const name = newName('broadcast:')
      const options = { limit: 10, ttl: 60_000, open: true }
      const bytes = Uint8Array.from([0, 255, 13, 10, 200])
      const position = await ann.streams.append(name, bytes, options)
      expect(await bob.values.get(name)).toEqual(bytes)
      expect((await bob.streams.read(name, { open: true })).kept).toEqual({ bytes, position })
      // A stream of the nodes' own is another one, and leaves the value alone.
      await ann.streams.append(name, bytesOf('own'), kept)
      expect(await bob.values.get(name)).toEqual(bytes)
      expect((await bob.streams.read(name)).kept).toBeUndefined()
    })

    test('say when another program has set the value, or it is gone', async () => {
      const network = join()
      const broker = await network.join()
      const name = newName('broadcast:')
      const read = async () => (await broker.streams.read(name, { open: true })).kept
      await broker.values.set(name, bytesOf('before'), { ttl: 60_000 })
      expect(await read()).toEqual({ bytes: bytesOf('before'), position: undefined })
      const options = { limit: 10, ttl: 60_000, open: true }
      const position = await broker.streams.append(name, bytesOf('ours'), options)
      expect(await read()).toEqual({ bytes: bytesOf('ours'), position })
      await broker.values.set(name, bytesOf('theirs'), { ttl: 60_000 })
      expect(await read()).toEqual({ bytes: bytesOf('theirs'), position: undefined })
      await broker.values.delete(name)
      expect(await read()).toBeUndefined()
      await broker.streams.append(name, bytesOf('brief'), { ...options, ttl: 30 })
      await until(async () => (await read()) === undefined, 'it to expire')
    })

    test('bring their followers what is sent to the channel, too', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const name = newName('broadcast:')
      const [log, own, notes, quiet] = [new Log(), new Log(), new Notes(), new Notes()]
      await Promise.all([
        ann.messages.subscribe(name, quiet, { open: true }).ready,
        ann.streams.follow(name, own, { open: true }).ready,
        bob.streams.follow(name, log, { open: true }).ready,
        bob.messages.subscribe(name, notes, { open: true }).ready,
      ])
      await network.publish(name, bytesOf('foreign'))
      await until(() => log.messages.length === 1, 'what the other program sent')
      ann.messages.publish(name, bytesOf('message'), { open: true })
      await until(() => log.messages.length === 2, 'what was published')
      await ann.streams.append(name, bytesOf('entry'), { ...kept, open: true })
      await until(() => log.entries.length === 1, 'what was appended')
      expect(log.messages).toEqual([
        ['foreign', undefined],
        ['message', ann.node],
      ])
      expect(log.texts).toEqual(['entry'])
      await until(() => own.entries.length === 1, 'its own')
      expect(own.messages).toEqual([['foreign', undefined]])
      // Who subscribes to the channel hears all three, but for its own.
      expect(notes.texts).toEqual(['foreign', 'message', 'entry'])
      expect(quiet.texts).toEqual(['foreign'])
    })

    test('cannot have a brace in their names', async () => {
      const { streams } = await join().join()
      const options = { ...kept, open: true }
      expect(() => streams.append('user:{a:b', bytesOf(''), options)).toThrow(TypeError)
      expect(() => streams.read('user:a}:b', options)).toThrow('"user:a}:b" has a brace in its name')
    })
  })
}
