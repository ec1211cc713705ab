import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import type { Entry } from '../../lib/broker/streams.ts'
import { sealEntry } from '../../lib/redis/envelope.ts'
import {
  bytesOf,
  codeOf,
  kept,
  Log,
  Notes,
  newName,
  numbers,
  textsOf,
  until,
} from '../contract/broker/network.ts'
import { HandClock } from '../support/clock.ts'
import { RedisNetwork } from './network.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

setDefaultTimeout(20_000)

/** How long a Redis may leave anything unanswered: here some do. */
const TIMEOUT = 1_500

const isReady = (...brokers: Broker[]) =>
  until(() => brokers.every(({ state }) => state === 'ready'), 'all to be ready')
const areAway = (...brokers: Broker[]) =>
  until(() => brokers.every(({ state }) => state === 'away'), 'all to be away')

describe.skipIf(!binary)('a Redis that', () => {
  let network: RedisNetwork
  let server: RedisServer
  const joined: Broker[] = []
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)

  const join = async (): Promise<Broker> => {
    const broker = await network.join()
    joined.push(broker)
    return broker
  }

  /** Two nodes, of which each follows a stream and has a member in a roster. */
  const two = async () => {
    const brokers = [await join(), await join()] as const
    const [stream, roster, channel] = [newName(), newName(), newName()]
    const logs = [new Log(), new Log()] as const
    const notes = [new Notes(), new Notes()] as const
    const watching = brokers.map((broker) => broker.rosters.watch(roster, { changed() {} }))
    for (const [i, broker] of brokers.entries()) {
      broker.rosters.enter(roster, `member of ${i}`, bytesOf(''))
      await broker.streams.follow(stream, logs[i] as Log).ready
      await broker.messages.subscribe(channel, notes[i] as Notes).ready
    }
    const append = (text: string): Promise<number> => brokers[0].streams.append(stream, bytesOf(text), kept)
    /** What is appended and published now arrives. */
    let times = 0
    const works = async (): Promise<void> => {
      await isReady(...brokers)
      times++
      await append('works')
      await until(
        () => logs.every(({ texts }) => texts.filter((text) => text === 'works').length === times),
        'the entry',
      )
      // A message may be lost, when a connection has just broken and nobody knows it yet.
      await until(() => {
        brokers[1].messages.publish(channel, bytesOf(`works ${times}`))
        return notes[0].texts.includes(`works ${times}`)
      }, 'the message')
      await until(
        () => watching.every(({ entries }) => entries.length === 2),
        () => `both members, instead of ${watching.map(({ entries }) => entries.length)}`,
      )
    }
    await works()
    return { brokers, stream, roster, logs, notes, append, works }
  }

  beforeAll(async () => {
    process.on('unhandledRejection', note)
    server = await RedisServer.start(binary as string)
    // What waits for it to come back has time to do so, on a machine that has other things to do.
    network = new RedisNetwork([server], { timeout: TIMEOUT, patience: 10_000 })
  })

  afterEach(async () => {
    await Promise.all(joined.splice(0).map((broker) => broker.stop()))
    expect(unhandled.splice(0)).toEqual([])
    network.log.take()
  })

  afterAll(async () => {
    await network.close()
    process.off('unhandledRejection', note)
  })

  test('is away at boot is told once, tried for ever, and found', async () => {
    const { port } = server
    await server.crash()
    const { broker, start } = await network.prepare({ patience: 300 })
    joined.push(broker)
    const channel = newName()
    start()
    const failing = codeOf(broker.values.get('anything'))
    const [way] = network.ways(broker)
    expect(await failing).toBe('AWAY')
    expect(broker.state).toBe('away')
    expect(way?.port).not.toBe(port)
    expect(network.log.take()).toMatchObject([
      { level: 'warn', message: expect.stringContaining('Redis is away: trying again for ever') },
    ])
    broker.messages.publish(channel, bytesOf('too early'))
    const { ready } = broker.messages.subscribe(channel, new Notes())
    await server.run()
    await isReady(broker)
    await ready
    expect(network.log.take()).toMatchObject([{ level: 'info', message: expect.stringContaining('is back') }])
  })

  test('crashes and keeps its data is no more than a pause', async () => {
    const { brokers, stream, logs, append, works } = await two()
    const record = newName()
    await brokers[0].records.write(record, bytesOf('kept'), { ttl: 60_000 })
    await Promise.all(numbers(10).map(append))
    await until(() => logs.every(({ entries }) => entries.length === 11), 'the first ones')
    network.log.take()
    await server.crash()
    await areAway(...brokers)
    // These wait for it.
    const late = numbers(20, 'late ').map(append)
    await server.run()
    await Promise.all(late)
    await works()
    const expected = ['works', ...numbers(10), ...numbers(20, 'late '), 'works']
    for (const log of logs) {
      expect(log.texts).toEqual(expected)
      expect(log.gaps).toEqual([])
    }
    expect((await brokers[1].records.read(record))?.bytes).toEqual(bytesOf('kept'))
    // Positions go on higher up, in case that the last ones had been lost.
    const [before, after] = [logs[0].entries[10], logs[0].entries[11]]
    expect(after?.position).toBeGreaterThan((before?.position as number) + 1)
    const { entries, gap } = await brokers[0].streams.read(stream, { after: before?.position as number })
    expect([textsOf(entries)[0], gap]).toEqual(['late 0', undefined])
    const levels = network.log.take().map(({ level }) => level)
    expect(levels.toSorted()).toEqual(['info', 'info', 'warn', 'warn'])
  })

  test('is away for longer than the leases makes nobody take the others for dead', async () => {
    const { brokers, works } = await two()
    const told: unknown[] = []
    for (const { nodes } of brokers)
      nodes.onChange(({ joined, left, lapsed }) =>
        told.push(...joined, ...left, ...(lapsed ? ['lapsed'] : [])),
      )
    await server.crash()
    await areAway(...brokers)
    const begin = performance.now()
    await until(() => performance.now() - begin > 1.5 * network.lease, 'all leases to run out')
    await server.run()
    await works()
    // Until they have renewed them, and some time longer.
    const renewed = performance.now()
    await until(() => performance.now() - renewed > 1.5 * network.lease, 'the leases to be looked at')
    expect(told).toEqual([])
    await works()
  })

  test('crashes and loses its data is told to followers, and gets its rosters again', async () => {
    const { brokers, stream, logs, notes, append, works } = await two()
    await Promise.all(numbers(10).map(append))
    await until(() => logs.every(({ entries }) => entries.length === 11), 'the first ones')
    const [last] = logs.map(({ entries }) => entries.at(-1)?.position as number)
    await server.crash()
    server.forget()
    await server.run()
    await works()
    for (const log of logs) {
      expect(log.gaps).toMatchObject([{ after: last }])
      expect(log.texts).toEqual(['works', ...numbers(10), 'works'])
      expect(log.entries.at(-1)?.position).toBeGreaterThan(last as number)
    }
    expect(notes.map(({ gaps }) => gaps)).toEqual([1, 1])
    const { gap } = await brokers[0].streams.read(stream, { after: last as number })
    expect(gap?.after).toBe(last as number)
  })

  test('crashes and loses only the last it was told gives no position twice', async () => {
    const forgetful = await RedisServer.start(binary as string, '--appendonly', 'no')
    const other = new RedisNetwork([forgetful])
    try {
      const broker = await other.join()
      joined.push(broker)
      const stream = newName()
      const append = (text: string) => broker.streams.append(stream, bytesOf(text), kept)
      const [saved] = (await Promise.all(numbers(10).map(append))).slice(-1)
      await forgetful.ask('SAVE')
      const [lost] = (await Promise.all(numbers(10, 'lost ').map(append))).slice(-1)
      await forgetful.crash()
      const begin = performance.now()
      // More than one a millisecond, on average, would be more than is promised.
      await until(() => performance.now() - begin > 50, 'some time to pass')
      await forgetful.run()
      await isReady(broker)
      await Promise.all(numbers(30, 'new ').map(append))
      const read = (after: number) => broker.streams.read(stream, { after })
      // Who had everything that is left has missed nothing; who had more cannot know.
      expect(await read(saved as number)).toMatchObject({ gap: undefined })
      expect(textsOf((await read(saved as number)).entries)).toEqual(numbers(30, 'new '))
      const after = await read(lost as number)
      expect(after.gap).toEqual({
        after: lost as number,
        position: (after.entries[0]?.position as number) - 1,
      })
      await broker.stop()
    } finally {
      await other.close()
    }
  })

  test('is frozen is noticed, and what was on its way then is done once', async () => {
    const { brokers, stream, logs, append, works } = await two()
    server.signal('SIGSTOP')
    const [pending] = brokers
    const appending = numbers(30).map(append)
    // Nobody answers, and so the connections are given up.
    await areAway(...brokers)
    expect(pending.counters.lost).toBeGreaterThan(0)
    server.signal('SIGCONT')
    const codes = await Promise.all(appending.map(codeOf))
    await works()
    const { entries } = await brokers[0].streams.read(stream)
    const texts = textsOf(entries).slice(1, -1)
    // Whether they waited long enough to know it or not: each is in there once, in order.
    expect(texts).toEqual(numbers(30).filter((text) => texts.includes(text)))
    for (const [i, code] of codes.entries())
      if (code.startsWith('resolved')) expect(texts).toContain(String(i))
      else expect(code).toBe('UNKNOWN')
    for (const log of logs) {
      expect(log.entries).toEqual([...entries])
      expect(log.gaps).toEqual([])
    }
  })

  test('only hesitates is waited for', async () => {
    const { brokers, logs, append, works } = await two()
    await server.ask('CLIENT', 'PAUSE', '300', 'ALL')
    await Promise.all(numbers(10).map(append))
    await works()
    expect(logs[1].texts).toEqual(['works', ...numbers(10), 'works'])
    expect(brokers.map(({ counters }) => counters.lost)).toEqual([0, 0])
  })

  // Looks at a connection on which nothing was asked counted as looks in vain: what was asked right before the third ended it.
  test('has been asked nothing for a while is given its time when it is', async () => {
    const { broker } = await network.prepare({ lease: 600_000 })
    joined.push(broker)
    const clock = new HandClock()
    broker.start({ clock, log: network.log })
    await isReady(broker)
    for (let look = 1; look <= 12; look++) {
      const asking = look % 4 === 0 ? broker.values.get('anything') : undefined
      clock.advance(TIMEOUT / 3)
      expect(await asking).toBeUndefined()
      // The other connection, which is not idle.
      await broker.messages.subscribe(newName(), new Notes()).ready
    }
    expect(broker.counters.lost).toBe(0)
  })

  test.each(['normal', 'pubsub'])('kills its connections of kind %s loses nothing', async (kind) => {
    const { brokers, logs, append, works } = await two()
    for (const round of numbers(5)) {
      const appending = numbers(40, `${round} `).map(append)
      await server.ask('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes')
      await Promise.all(appending)
      await isReady(...brokers)
    }
    await works()
    const expected = numbers(5).flatMap((round) => numbers(40, `${round} `))
    for (const log of logs) {
      expect(log.texts).toEqual(['works', ...expected, 'works'])
      expect(log.gaps).toEqual([])
    }
  })

  test('is reached by lines that break all the time has each entry once, in order', async () => {
    const { brokers, stream, logs, works } = await two()
    const [ann, bob] = brokers
    const ways = brokers.flatMap((broker) => network.ways(broker))
    let isBreaking = true
    const breaking = (async () => {
      for (let i = 0; isBreaking; i++) {
        ways[i % ways.length]?.drop()
        await new Promise((resolve) => setTimeout(resolve, 3 + (i % 5) * 4))
      }
    })()
    const sent = await Promise.all(
      [ann, bob].map(async (broker, i) => {
        const results: { text: string; code: string }[] = []
        for (const number of numbers(60)) {
          const texts = numbers(5, `${i} ${number} `)
          const codes = await Promise.all(
            texts.map((text) => codeOf(broker.streams.append(stream, bytesOf(text), kept))),
          )
          results.push(...texts.map((text, i) => ({ text, code: codes[i] as string })))
        }
        return results
      }),
    )
    isBreaking = false
    await breaking
    await works()
    const { entries } = await ann.streams.read(stream, { limit: 2_000 })
    const texts = textsOf(entries)
    for (const [i, results] of sent.entries()) {
      const own = texts.filter((text) => text.startsWith(`${i} `))
      const tried = results.map(({ text }) => text)
      expect(own).toEqual(tried.filter((text) => own.includes(text)))
      for (const { text, code } of results) if (code.startsWith('resolved')) expect(own).toContain(text)
      expect(results.filter(({ code }) => code.startsWith('resolved')).length).toBeGreaterThan(200)
    }
    for (const log of logs) {
      expect(log.entries).toEqual([...entries])
      expect(log.gaps).toEqual([])
    }
  })

  test('is behind a network that stalls is given up, and found again when it does not', async () => {
    const { brokers, logs, append, works } = await two()
    const [ann, bob] = brokers
    for (const way of network.ways(bob)) way.stall()
    await Promise.all(numbers(20).map(append))
    await areAway(bob)
    expect(ann.state).toBe('ready')
    // Its lease runs out meanwhile.
    await until(() => ann.nodes.live.length === 1, 'the other to be taken for dead')
    for (const way of network.ways(bob)) way.mend()
    await works()
    for (const log of logs) {
      expect(log.texts).toEqual(['works', ...numbers(20), 'works'])
      expect(log.gaps).toEqual([])
    }
  })

  test('forgets its scripts is told them again', async () => {
    const { brokers, append, logs, works } = await two()
    await server.ask('SCRIPT', 'FLUSH')
    await Promise.all(numbers(20).map(append))
    await works()
    expect(logs[1].texts).toEqual(['works', ...numbers(20), 'works'])
    expect(brokers[0].counters.failed).toBe(0)
  })

  test('is emptied, by whomever, is filled again with what is alive', async () => {
    const { brokers, roster, works } = await two()
    const lapses = [0, 0]
    const mourned: string[] = []
    for (const [i, { nodes }] of brokers.entries())
      nodes.onChange(({ lapsed, left }) => {
        mourned.push(...left)
        if (lapsed) lapses[i] = (lapses[i] as number) + 1
      })
    await server.ask('FLUSHALL')
    await until(() => lapses.every((count) => count === 1), 'both to notice')
    await works()
    const other = await join()
    await until(async () => (await other.rosters.list(roster)).length === 2, 'both members to be back')
    expect(mourned).toEqual([])
  })

  test('breaks a connection, and has forgotten a roster by then, is told it again', async () => {
    const [broker, other] = [await join(), await join()]
    const roster = newName()
    broker.rosters.enter(roster, 'member', bytesOf(''))
    await until(async () => (await other.rosters.list(roster)).length === 1, 'the member')
    await server.ask('DEL', `partyline:{${roster}}:roster`, `partyline:{${roster}}:roster:${broker.node}`)
    expect(await other.rosters.list(roster)).toEqual([])
    for (const way of network.ways(broker)) way.drop()
    await until(async () => (await other.rosters.list(roster)).length === 1, 'the member again')
  })

  test('has lost something without a word is found out from time to time', async () => {
    const { broker, start } = await network.prepare({}, 100)
    joined.push(broker)
    start()
    await isReady(broker)
    const other = await join()
    const [stream, roster] = [newName(), newName()]
    const [log, entered] = [new Log(), [] as string[]]
    await broker.streams.follow(stream, log).ready
    await broker.rosters.watch(roster, {
      changed: (change) => entered.push(...change.entered.map(({ member }) => member)),
    }).ready
    broker.rosters.enter(roster, 'own', bytesOf(''))
    await until(async () => (await other.rosters.list(roster)).length === 1, 'the member')

    // A roster of which nobody has heard that it is gone, and one that nobody has told of.
    const index = `partyline:{${roster}}:roster`
    await server.ask('DEL', `${index}:${broker.node}`)
    await until(async () => (await other.rosters.list(roster)).length === 1, 'the member again')
    await server.ask('HSET', `${index}:${other.node}`, 'silent', '')
    await server.ask('HSET', index, other.node, '1', 'version', '999999999999')
    await until(() => entered.includes('silent'), 'who came in silence')

    // An entry that was not heard.
    await other.streams.append(stream, bytesOf('heard'), kept)
    await until(() => log.entries.length === 1, 'what was heard')
    const meta = `partyline:{${stream}}:meta`
    const { position } = log.entries[0] as Entry
    const sealed = sealEntry(Buffer.from(other.node, 'hex'), 9, bytesOf('unheard'))
    await server.ask('XADD', `partyline:{${stream}}:stream`, `${position + 1}-9999999999999`, 'e', sealed)
    await server.ask('HSET', meta, 'last', String(position + 1))
    await until(() => log.entries.length === 2, 'what was not')
    expect(log.texts).toEqual(['heard', 'unheard'])
  })

  test('refuses what is asked says so to who asked, and once in the log', async () => {
    const [broker] = [await join()]
    const name = newName()
    await server.ask('LPUSH', name, 'a list')
    expect(await Promise.all([1, 2, 3].map(() => codeOf(broker.values.get(name))))).toEqual([
      'REFUSED',
      'REFUSED',
      'REFUSED',
    ])
    expect(broker.counters.failed).toBe(3)
    expect(network.log.take()).toMatchObject([
      {
        level: 'warn',
        error: expect.stringContaining('WRONGTYPE'),
        message: expect.stringContaining('said once'),
      },
    ])
    await server.ask('DEL', name)
  })

  test('wants a password is told as what is wrong, and used as soon as it is right', async () => {
    await server.ask('CONFIG', 'SET', 'requirepass', 'sesame')
    const { broker, start } = await network.prepare()
    joined.push(broker)
    start()
    await until(() => network.log.entries.length > 0, 'the line in the log')
    expect(network.log.take()).toMatchObject([{ level: 'warn', error: expect.stringContaining('NOAUTH') }])
    const { broker: right, start: startRight } = await network.prepare({ client: { password: 'sesame' } })
    joined.push(right)
    startRight()
    await isReady(right)
    expect(broker.state).toBe('away')
    await server.ask('CONFIG', 'SET', 'requirepass', '')
    await isReady(broker)
  })
})
