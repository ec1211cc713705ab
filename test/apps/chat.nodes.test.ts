// The chat as several processes over one Redis.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { connect } from 'partyline/client'
import { RedisServer } from '../redis/server.ts'
import { Program } from '../support/process.ts'
import { until } from '../support/until.ts'
import { ChatClient, failure } from './chat-house.ts'

const binary = process.env.PARTYLINE_REDIS

/** Until a node that was killed counts as dead, and as long again as its people might be back; and somewhat more. */
const UNTIL_GONE = 60_000

describe.skipIf(!binary)('a chat on several nodes', () => {
  let redis: RedisServer
  let nodes: Program[]
  let urls: string[]
  let clients: ChatClient[]
  /** What the nodes have written to their error streams when they end. */
  let complaints: unknown

  beforeAll(async () => {
    redis = await RedisServer.start(binary ?? '')
  })
  afterAll(() => redis?.stop())

  beforeEach(async () => {
    complaints = ''
    clients = []
    nodes = []
    urls = []
    await redis.ask('FLUSHALL')
    for (const _ of [1, 2, 3]) await start()
  })
  afterEach(async () => {
    for (const { socket } of clients) socket.close()
    await Promise.all(nodes.map(stop))
  })

  async function start(): Promise<void> {
    const node = await Program.ready(['apps/chat/main.ts', '--host', '127.0.0.1', '--port', '0'], {
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    })
    const url = /http:\S+/.exec(node.stdout)?.[0] ?? ''
    nodes.push(node)
    urls.push(url)
    await until(async () => (await fetch(`${url}/healthz`)).ok, 'the node to be ready')
  }

  async function stop(node: Program): Promise<void> {
    node.kill('SIGTERM')
    expect(await node.ended()).toMatchObject({ code: 0, stderr: complaints })
  }

  /** Somebody at a node, by its number, who has signed in. */
  async function person(name: string, node: number): Promise<ChatClient> {
    const one = await ChatClient.come(urls[node] ?? '')
    clients.push(one)
    expect(await one.after([`{"event":"sign_in","data":{"name":"${name}"},"id":1}`])).toEqual([
      { ack: 1, data: { name } },
    ])
    return one
  }

  const join = (one: ChatClient): Promise<unknown[]> =>
    one.after(['{"event":"join","data":{"room":"tea"},"id":2}'], 2)
  const event = (name: string, data: object): object => ({ event: name, data: { room: 'tea', ...data } })
  const said = (name: string, text: string): object =>
    event('said', { name, text, timestamp: expect.any(Number) })

  async function names(one: ChatClient): Promise<string[]> {
    const [answer] = await one.after(['{"event":"who","data":{"room":"tea"},"id":3}'])
    return (answer as { data: { names: string[] } }).data.names
  }

  test('people meet in a room, talk, rename themselves, leave and go, whichever node they are on', async () => {
    const ada = await person('Ada', 0)
    expect(await join(ada)).toEqual([event('joined', { name: 'Ada' }), { ack: 2 }])
    const bob = await person('Bob', 1)
    await join(bob)
    expect(await ada.next(1)).toEqual([event('joined', { name: 'Bob' })])
    // Who was there before is no news, and is there.
    expect(await names(bob)).toEqual(expect.arrayContaining(['Ada', 'Bob']))
    const cid = await person('Cid', 2)
    expect((await names(cid)).toSorted()).toEqual(['Ada', 'Bob'])

    await bob.after(['{"event":"say","data":{"room":"tea","text":"is there cake?"},"id":4}'], 0)
    expect(await ada.next(1)).toEqual([said('Bob', 'is there cake?')])
    expect(await bob.next(2)).toEqual(expect.arrayContaining([said('Bob', 'is there cake?'), { ack: 4 }]))
    await ada.after(['{"event":"say","data":{"room":"tea","text":"two kinds"},"id":4}'], 2)
    expect(await bob.next(1)).toEqual([said('Ada', 'two kinds')])

    expect(await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":5}'], 2)).toEqual([
      event('renamed', { name: 'Ada L.', was: 'Ada' }),
      { ack: 5, data: { name: 'Ada L.' } },
    ])
    expect(await bob.next(1)).toEqual([event('renamed', { name: 'Ada L.', was: 'Ada' })])

    expect(await bob.after(['{"event":"leave","data":{"room":"tea"},"id":6}'], 2)).toEqual([
      event('left', { name: 'Bob' }),
      { ack: 6 },
    ])
    expect(await ada.next(1)).toEqual([event('left', { name: 'Bob' })])
    await join(bob)
    expect(await ada.next(1)).toEqual([event('joined', { name: 'Bob' })])
    bob.socket.close()
    expect(await ada.next(1)).toEqual([event('left', { name: 'Bob' })])
    expect(await names(ada)).toEqual(['Ada L.'])
    expect(cid.frames).toEqual([])
  }, 30_000)

  test('a name is one person’s on all of them, and free again when that one has another or has gone', async () => {
    const ada = await person('Ada', 0)
    const eve = await person('Eve', 1)
    const asAda = '{"event":"rename","data":{"name":"Ada"},"id":2}'
    expect(await eve.after([asAda])).toEqual([failure(2, 'NAME_TAKEN')])
    await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])
    await until(async () => {
      const [answer] = await eve.after([asAda])
      return (answer as { data?: object }).data !== undefined
    }, 'the name to be free')
    ada.socket.close()
    await until(async () => {
      const [answer] = await eve.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])
      return (answer as { data?: object }).data !== undefined
    }, 'the other name to be free')

    // Of two who want one at the same time, one has it.
    const others = await Promise.all([person('Bob', 0), person('Cid', 2)])
    const answers = await Promise.all(
      others.map((one) => one.after(['{"event":"rename","data":{"name":"Zoe"},"id":2}'])),
    )
    const codes = answers.flat().map((answer) => (answer as { error?: { code: string } }).error?.code)
    expect(codes.toSorted()).toEqual(['NAME_TAKEN', undefined])
  }, 30_000)

  test(
    'the people of a node that is killed have left in the end, once each, and their names are free',
    async () => {
      const ada = await person('Ada', 0)
      const bob = await person('Bob', 1)
      const cid = await person('Cid', 2)
      await join(ada)
      await join(cid)
      await join(bob)
      const fred = await person('Fred', 1)
      await join(fred)
      await ada.next(3)
      await cid.next(2)
      const [killed] = nodes.splice(1, 1)
      killed?.kill('SIGKILL')
      await killed?.ended()
      const gone = [event('left', { name: 'Bob' }), event('left', { name: 'Fred' })]
      for (const one of [ada, cid]) {
        await until(() => one.frames.length === 2, 'both to have left', UNTIL_GONE)
        expect(one.frames.splice(0)).toEqual(expect.arrayContaining(gone))
      }
      expect((await names(ada)).toSorted()).toEqual(['Ada', 'Cid'])
      expect(await cid.after(['{"event":"rename","data":{"name":"Bob"},"id":4}'], 2)).toEqual([
        event('renamed', { name: 'Bob', was: 'Cid' }),
        { ack: 4, data: { name: 'Bob' } },
      ])
      expect(await ada.next(1)).toEqual([event('renamed', { name: 'Bob', was: 'Cid' })])
    },
    2 * UNTIL_GONE,
  )

  test('who was on a node that is killed goes on where another one is, and nobody notices', async () => {
    const bob = await person('Bob', 0)
    await join(bob)
    let node = 1
    class Balanced extends WebSocket {
      constructor(_: string | URL, protocols?: string | string[]) {
        super(`${urls[node]?.replace('http', 'ws')}/chat`, protocols)
      }
    }
    const heard: unknown[] = []
    const ada = connect(`${urls[1]}/chat`, { WebSocket: Balanced })
    for (const name of ['joined', 'left', 'said'])
      ada.on(name, (data) => void heard.push({ event: name, data }))
    await ada.call('sign_in', { name: 'Ada' })
    await ada.call('join', { room: 'tea' })
    await bob.next(1)
    expect(heard.splice(0)).toEqual([event('joined', { name: 'Ada' })])

    const recovered: unknown[] = []
    ada.when('open', (change) => void recovered.push(change.recovered))
    node = 2
    const [killed] = nodes.splice(1, 1)
    killed?.kill('SIGKILL')
    await bob.after(['{"event":"say","data":{"room":"tea","text":"are you there?"},"id":4}'], 2)
    await until(() => recovered.length > 0, 'Ada to be back', 50_000)
    expect(recovered).toEqual([true])
    await until(() => heard.length > 0, 'what Ada missed')
    expect(heard.splice(0)).toEqual([said('Bob', 'are you there?')])
    await ada.call('say', { room: 'tea', text: 'I was never away' })
    expect(await bob.next(1)).toEqual([said('Ada', 'I was never away')])
    expect((await names(bob)).toSorted()).toEqual(['Ada', 'Bob'])
    expect(await bob.after(['{"event":"rename","data":{"name":"Ada"},"id":5}'])).toEqual([
      failure(5, 'NAME_TAKEN'),
    ])
    await ada.close()
    expect(await bob.next(1)).toEqual([event('left', { name: 'Ada' })])
  }, 120_000)

  test('while Redis is away, those of one node go on; whether a name is free is not known', async () => {
    complaints = expect.stringContaining('Redis is away')
    const ada = await person('Ada', 0)
    const bob = await person('Bob', 0)
    await join(ada)
    await join(bob)
    await ada.next(1)
    const stranger = await ChatClient.come(urls[0] ?? '')
    clients.push(stranger)
    await redis.crash()
    await until(
      async () => (await (await fetch(`${urls[0]}/healthz`)).json()).broker === 'away',
      'it to be noticed',
    )
    await bob.after(['{"event":"say","data":{"room":"tea","text":"is anybody there?"},"id":4}'], 2)
    expect(await ada.next(1)).toEqual([said('Bob', 'is anybody there?')])
    expect(await names(ada)).toEqual(['Ada', 'Bob'])
    stranger.socket.send('{"event":"sign_in","data":{"name":"Cid"},"id":1}')
    await until(() => stranger.frames.length === 1, 'an answer', 10_000)
    expect(stranger.frames.splice(0)).toEqual([failure(1, 'UNAVAILABLE')])

    await redis.run()
    await until(
      async () => (await (await fetch(`${urls[0]}/healthz`)).json()).broker === 'ready',
      'it to be back',
      10_000,
    )
    const cid = await person('Cid', 1)
    await join(cid)
    expect(await ada.next(1)).toEqual([event('joined', { name: 'Cid' })])
  }, 60_000)
})
