import { afterEach, expect, test } from 'bun:test'
import {
  Gateway,
  GatewayContext,
  type Identity,
  MemoryHub,
  memory,
  On,
  Publisher,
  type Socket,
} from 'partyline'
import { channels, presence } from 'partyline/client'
import { ManualClock, seeded, type TestApp, type TestClient, testApp } from 'partyline/testing'

const ann: Identity = { user: 'ann', groups: ['staff', 'ops'] }
const apps: TestApp[] = []

@Gateway('/ws/:facility', {
  channels: { publish: true, history: 500 },
  presence: { watch: true, linger: 10_000 },
  recovery: {},
})
class News {
  constructor(private readonly news: GatewayContext) {}

  @On() join(socket: Socket, room: string) {
    socket.join(room)
  }
  @On() mood(socket: Socket, state: unknown) {
    this.news.presence('lobby').update(socket, state)
  }
}

async function nodes(count: number, seed = 1) {
  const hub = new MemoryHub()
  const clock = new ManualClock()
  for (let i = 0; i < count; i++) apps.push(await testApp(News, { broker: memory({ hub }), clock, seed }))
  return apps as [TestApp, ...TestApp[]]
}

afterEach(async () => {
  const ended = apps.splice(0)
  await Promise.all(ended.map((app) => app.stop()))
  expect(ended.flatMap((app) => app.logged()).filter(({ level }) => level !== 'info')).toEqual([])
})

/** What somebody hears of a name, in order. */
function listen(client: TestClient, name: string) {
  const heard: unknown[] = []
  const { ready } = channels(client).subscribe(name, (data) => heard.push(data), {
    lost: () => heard.push('lost'),
  })
  return { heard, ready }
}

test('over lines that break, all that is published comes once and in order', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed)
    const [one, other] = (await nodes(2, seed)) as [TestApp, TestApp]
    // Half of them ask for it in their url besides, which is there before they can say where they were.
    const flags = seed % 2 === 0 ? '' : '?subscribe-broadcast&subscribe-group'
    const hers = await one.connect(`/ws/news${flags}`, { identity: ann })
    const from = await other.connect('/ws/news', { identity: { user: 'bob', groups: ['ops'] } })
    const [broadcast, groups] = [listen(hers, 'broadcast'), listen(hers, 'group')]
    await Promise.all([broadcast.ready, groups.ready])
    const publisher = other.get(Publisher)
    const texts: string[] = []
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 60; i++) {
      const text = `${i}`
      texts.push(text)
      if (random() < 0.5) sent.push(publisher.publish('news', text, { broadcast: true }))
      else sent.push(channels(from).publishWithAck('broadcast', text))
      await publisher.publish('news', text, { groups: ['ops'] })
      if (random() < 0.3) hers.network.cut({ after: Math.floor(random() * 4) })
      if (random() < 0.2) from.network.cut({ after: Math.floor(random() * 4) })
      if (random() < 0.3) await one.advance(random() * 3_000)
      await other.settle()
    }
    await one.advance(120_000)
    await Promise.all(sent)
    await one.settle()
    // What two publish has no order among them; what one does has.
    expect([seed, groups.heard]).toEqual([seed, texts])
    expect([seed, [...broadcast.heard].sort()]).toEqual([seed, [...texts].sort()])
    for (const app of apps.splice(0)) await app.stop()
  }
})

test('what is gone when the client comes back is told to be lost', async () => {
  const [app] = await nodes(1)
  const client = await app.connect('/ws/news', { identity: ann })
  const { heard, ready } = listen(client, 'broadcast')
  expect(await ready).toEqual(['broadcast'])
  const publisher = app.get(Publisher)
  await publisher.publish('news', 'before', { broadcast: true })
  await app.settle()
  client.network.down()
  await app.settle()
  for (const text of ['gone', 'kept']) await publisher.publish('news', text, { broadcast: true, history: 1 })
  client.network.up()
  await app.advance(60_000)
  expect(heard).toEqual(['before', 'lost', 'kept'])
})

test('who is present is the same after lines that broke, and a state survives them', async () => {
  const [one, other] = (await nodes(2)) as [TestApp, TestApp]
  const watcher = await one.connect('/ws/news', { identity: ann })
  const told: string[] = []
  const room = presence(watcher).watch('lobby', {
    joined: ({ id }) => told.push(`+${id}`),
    left: ({ id }) => told.push(`-${id}`),
    changed: ({ id, state }) => told.push(`${id}: ${JSON.stringify(state)}`),
  })
  await room.ready
  const bob = await other.connect('/ws/news', { identity: { user: 'bob' } })
  await bob.call('join', 'lobby')
  await bob.call('mood', 'happy')
  await one.settle()
  bob.network.cut()
  await one.advance(5_000)
  await bob.expectState('open', { recovered: true })
  watcher.network.cut()
  const cid = await other.connect('/ws/news', { identity: { user: 'cid' } })
  await cid.call('join', 'lobby')
  await one.advance(60_000)
  expect(told).toEqual(['+bob', 'bob: "happy"', '+cid'])
  expect(room.members()).toEqual([
    { id: 'bob', state: 'happy' },
    { id: 'cid', state: {} },
  ])
  bob.network.down()
  await one.advance(60_000)
  expect(told.slice(3)).toEqual(['-bob'])
  bob.network.up()
  await one.advance(60_000)
  expect(told.slice(4)).toEqual(['+bob'])
  expect(room.members()).toContainEqual({ id: 'bob', state: 'happy' })
  room.unwatch()
})
