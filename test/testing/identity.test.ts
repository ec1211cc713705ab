import { describe, expect, test } from 'bun:test'
import { type Call, Gateway, On, type Socket } from 'partyline'
import { jwt } from 'partyline/auth'
import { msgpack } from 'partyline/msgpack'
import { type TestAppOptions, testApp } from 'partyline/testing'
import { closeHouses, failureOf, house } from './house.ts'

closeHouses()

const who = (socket: Socket) => socket.identity?.user ?? 'nobody'

@Gateway('/open')
class Open {
  @On() who(socket: Socket) {
    return who(socket)
  }
}

@Gateway('/own', { authenticate: ({ headers }) => (headers.has('x-key') ? { user: 'key' } : null) })
class Own {
  @On() who(socket: Socket) {
    return who(socket)
  }
}

class Nobody {
  authenticate(): null {
    return null
  }
}

/** What the gateway at a path takes somebody for. */
async function known(path: string, user: string | undefined, options: TestAppOptions = {}): Promise<unknown> {
  const app = await testApp([Open, Own], options)
  const one = await app.connect(path, { identity: user === undefined ? undefined : { user } })
  return one.call('who')
}

describe('an identity', () => {
  test("stands in for any authenticator: the app's, a gateway's, a class, and none", async () => {
    expect(await known('/open', 'ann')).toBe('ann')
    expect(await known('/open', 'ann', { authenticate: () => null })).toBe('ann')
    expect(await known('/open', 'ann', { authenticate: Nobody })).toBe('ann')
    expect(await known('/open', 'ann', { authenticate: jwt({ secret: 's'.repeat(32) }) })).toBe('ann')
    expect(await known('/own', 'ann')).toBe('ann')
  })

  test('that is not given leaves the authenticator to decide', async () => {
    expect(await known('/open', undefined)).toBe('nobody')
    expect(await known('/open', undefined, { authenticate: () => ({ user: 'guest' }) })).toBe('guest')
    expect(await failureOf(known('/own', undefined))).toContain('was refused with 401')
    const app = await testApp(Own)
    const one = await app.connect('/own', { headers: { 'x-key': '1' } })
    expect(await one.call('who')).toBe('key')
  })

  test('is judged by guards, as any other', async () => {
    const guards = [({ identity }: Call) => identity?.user === 'ann']
    expect(await known('/open', 'ann', { guards })).toBe('ann')
    expect(await failureOf(known('/open', 'bob', { guards }))).toContain('was refused with 403')
  })

  test('names the client in messages, each by a name of its own', async () => {
    const app = await house()
    const options = { identity: { user: 'ann' } }
    const names = [
      await app.connect('/party', options),
      await app.connect('/party', options),
      await app.line('/party'),
      await app.line('/party'),
      await app.line('/party', { name: 'spy' }),
    ].map(({ name }) => name)
    expect(names).toEqual(['ann', 'ann (2)', 'client', 'client (2)', 'spy'])
  })
})

test('headers, query and address are as given, for clients and lines', async () => {
  const app = await house()
  const options = { headers: { 'x-color': 'red' }, query: { color: 'green & blue' }, ip: '192.0.2.7' }
  const ann = await app.connect('/plain', options)
  expect(await ann.call('header')).toEqual(['red', 'green & blue', '192.0.2.7'])
  const line = await app.line('/plain?color=green', { ...options, query: {} })
  line.send('{"event":"header","id":1}')
  await line.expectMessage('{"ack":1,"data":["red","green","192.0.2.7"]}')
})

test("a codec is the client's own", async () => {
  const app = await house()
  const ann = await app.connect('/party', { codec: msgpack() })
  const bob = await app.connect('/party')
  ann.emit('join', 'Ann')
  for (const one of [ann, bob]) await one.expectEvent('joined', { user: 'Ann', at: 7 })
  ann.emit('echo', new Uint8Array([1, 2]))
  await ann.expectEvent('echo', new Uint8Array([1, 2]))
})

test('a token is sent as the client sends it', async () => {
  const app = await testApp(Open, {
    authenticate: ({ subprotocols }) => ({ user: subprotocols.at(-1) ?? 'nobody' }),
  })
  const ann = await app.connect('/open', { token: 'secret' })
  expect(await ann.call('who')).toBe('partyline.bearer.secret')
})

test('pages are asked for without a network', async () => {
  const app = await house({
    fetch: async (request) => new Response(`${request.method} ${await request.text()}`),
  })
  const page = await app.fetch('/about', { method: 'POST', body: 'it' })
  expect([page.status, await page.text()]).toEqual([200, 'POST it'])
  expect((await app.fetch('/healthz')).status).toBe(200)
})
