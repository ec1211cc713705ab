import { describe, expect, test } from 'bun:test'
import { bytesOf, type Join, newName, numbers, textOf, until } from './network.ts'

const ttl = 60_000

export function shelves(join: Join): void {
  describe('values', () => {
    test('are what any node set last', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const name = newName('user:ann:')
      expect(await ann.values.get(name)).toBeUndefined()
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      await ann.values.set(name, bytes, { ttl })
      expect(await bob.values.get(name)).toEqual(bytes)
      await bob.values.set(name, new Uint8Array(), { ttl })
      expect(await ann.values.get(name)).toEqual(new Uint8Array())
      expect(await ann.values.delete(name)).toBe(true)
      expect(await bob.values.delete(name)).toBe(false)
      expect(await bob.values.get(name)).toBeUndefined()
    })

    test('expire', async () => {
      const { values } = await join().join()
      const name = newName()
      await values.set(name, bytesOf('soon gone'), { ttl: 30 })
      await until(async () => (await values.get(name)) === undefined, 'it to expire')
      expect(await values.delete(name)).toBe(false)
    })

    test('are asked for together, and each answer is that of its question', async () => {
      const { values } = await join().join()
      const names = numbers(100, newName())
      await Promise.all(names.map((name) => values.set(name, bytesOf(name), { ttl })))
      const found = await Promise.all(names.map((name) => values.get(name)))
      expect(found.map((bytes) => bytes && textOf(bytes))).toEqual(names)
    })
  })

  describe('records', () => {
    test('are replaced by who knows their version, and by nobody else', async () => {
      const network = join()
      const [ann, bob] = await Promise.all([network.join(), network.join()])
      const key = newName()
      expect(await ann.records.read(key)).toBeUndefined()
      const first = await ann.records.write(key, bytesOf('first'), { ttl, version: null })
      if (first.conflict) throw new Error('there was none')
      expect(await bob.records.read(key)).toEqual({ bytes: bytesOf('first'), version: first.version })
      expect(await bob.records.write(key, bytesOf('another'), { ttl, version: null })).toEqual({
        conflict: true,
        current: { bytes: bytesOf('first'), version: first.version },
      })
      const second = await bob.records.write(key, bytesOf('second'), { ttl, version: first.version })
      if (second.conflict) throw new Error('it was the version')
      expect(second.version).not.toBe(first.version)
      expect(await ann.records.write(key, bytesOf('third'), { ttl, version: first.version })).toEqual({
        conflict: true,
        current: { bytes: bytesOf('second'), version: second.version },
      })
      expect(await ann.records.write(key, bytesOf('anyhow'), { ttl })).toMatchObject({ conflict: false })
      expect((await bob.records.read(key))?.bytes).toEqual(bytesOf('anyhow'))
    })

    test('are claimed once, however many try', async () => {
      const network = join()
      const brokers = await Promise.all([network.join(), network.join(), network.join()])
      const [{ records }] = brokers
      for (const key of numbers(10, newName())) {
        await records.write(key, bytesOf('free'), { ttl })
        const claims = await Promise.all(
          brokers.flatMap((broker) =>
            numbers(5).map(async () => {
              const found = await broker.records.read(key)
              if (found === undefined || textOf(found.bytes) !== 'free') return 'taken'
              const mine = bytesOf(broker.node)
              const written = await broker.records.write(key, mine, { ttl, version: found.version })
              return written.conflict ? 'taken' : broker.node
            }),
          ),
        )
        const winners = claims.filter((claim) => claim !== 'taken')
        expect(winners).toHaveLength(1)
        expect((await records.read(key))?.bytes).toEqual(bytesOf(winners[0] as string))
      }
    })

    test('expire, and live on when they are touched', async () => {
      const { records } = await join().join()
      const [brief, touched] = [newName(), newName()]
      const written = await records.write(brief, bytesOf('a'), { ttl: 40 })
      await records.write(touched, bytesOf('b'), { ttl: 40 })
      expect(await records.touch(touched, ttl)).toBe(true)
      await until(async () => (await records.read(brief)) === undefined, 'it to expire')
      expect(await records.touch(brief, ttl)).toBe(false)
      expect((await records.read(touched))?.bytes).toEqual(bytesOf('b'))
      // What comes after is another one, and whoever still knows the old one is told.
      if (written.conflict) throw new Error('there was none')
      await records.write(brief, bytesOf('anew'), { ttl, version: null })
      expect(await records.write(brief, bytesOf('late'), { ttl, version: written.version })).toMatchObject({
        conflict: true,
      })
      expect(await records.write(newName(), bytesOf('late'), { ttl, version: written.version })).toEqual({
        conflict: true,
        current: undefined,
      })
    })

    test('are deleted, where a version is given only if it is that', async () => {
      const { records } = await join().join()
      const key = newName()
      expect(await records.delete(key)).toBe(false)
      const written = await records.write(key, bytesOf('a'), { ttl })
      if (written.conflict) throw new Error('nothing was expected')
      expect(await records.delete(key, `${written.version}0`)).toBe(false)
      expect(await records.read(key)).toBeDefined()
      expect(await records.delete(key, written.version)).toBe(true)
      await records.write(key, bytesOf('b'), { ttl })
      expect(await records.delete(key)).toBe(true)
      expect(await records.read(key)).toBeUndefined()
    })

    test('have nothing to do with values of the same name', async () => {
      const { records, values } = await join().join()
      const name = newName()
      await values.set(name, bytesOf('value'), { ttl })
      await records.write(name, bytesOf('record'), { ttl, version: null })
      await values.delete(name)
      expect((await records.read(name))?.bytes).toEqual(bytesOf('record'))
    })
  })
}
