import { expect, test } from 'bun:test'
import { bytesOf, codeOf, type Join, kept, Log, Notes, newName, until } from './network.ts'

export function stopping(join: Join): void {
  test('a broker may be used before it is started: what waits then is done', async () => {
    const network = join()
    const ann = await network.join()
    const { broker, start } = network.make()
    const [channel, stream, roster] = [newName(), newName(), newName()]
    expect(broker.state).toBe('away')
    const [notes, log] = [new Notes(), new Log()]
    const ready = [
      broker.messages.subscribe(channel, notes).ready,
      broker.streams.follow(stream, log).ready,
      broker.rosters.watch(roster, { changed() {} }).ready,
    ]
    broker.rosters.enter(roster, 'early', bytesOf(''))
    start()
    await Promise.all(ready)
    ann.messages.publish(channel, bytesOf('a'))
    await ann.streams.append(stream, bytesOf('b'), kept)
    await until(() => notes.texts.length === 1 && log.entries.length === 1, 'both')
    await until(async () => (await ann.rosters.list(roster)).length === 1, 'the member')
    expect(notes.gaps).toBe(0)
    expect(() => start()).toThrow('this broker was started before: make one for each app')
  })

  test('a broker that was stopped does nothing any more, and says so', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const name = newName()
    const [notes, log] = [new Notes(), new Log()]
    const following = bob.streams.follow(name, log)
    const watching = bob.rosters.watch(name, { changed() {} })
    await Promise.all([bob.messages.subscribe(name, notes).ready, following.ready, watching.ready])
    const [first] = [bob.stop(), bob.stop()]
    await first
    expect(bob.state).toBe('away')
    ann.messages.publish(name, bytesOf('late'))
    await ann.streams.append(name, bytesOf('late'), kept)
    bob.messages.publish(name, bytesOf('late'))
    bob.rosters.enter(name, 'late', bytesOf(''))
    bob.rosters.leave(name, 'late')
    expect(bob.counters.dropped).toBeGreaterThan(0)
    const asked = [
      bob.values.get(name),
      bob.records.read(name),
      bob.streams.append(name, bytesOf(''), kept),
      bob.streams.read(name),
      bob.rosters.list(name),
    ]
    expect(await Promise.all(asked.map(codeOf))).toEqual(asked.map(() => 'STOPPED'))
    expect([notes.texts, log.texts]).toEqual([[], []])
    expect(await ann.rosters.list(name)).toEqual([])
  })

  test('a broker may be stopped before it was started', async () => {
    const { broker } = join().make()
    const { ready } = broker.messages.subscribe(newName(), new Notes())
    await broker.stop()
    expect(broker.state).toBe('away')
    await ready
  })
}
