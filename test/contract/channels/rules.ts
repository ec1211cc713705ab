import { expect, test } from 'bun:test'
import { type ChannelCall, type ChannelOptions, type Class, type Identity, PartylineError } from 'partyline'
import { knock, refusal } from '../knock.ts'
import { ann, byHeader, gatewayWith, type Node, newFacility, type Place } from './place.ts'

export function rules(at: () => Place): void {
  /** How a handshake with these flags is answered. */
  const knocking = async (node: Node, path: string, identity?: Identity) => {
    const headers: Record<string, string> =
      identity === undefined ? {} : { 'x-identity': JSON.stringify(identity) }
    const { status, body } = await knock(node as never, path, headers)
    return [status, (body as { error: { code: string; message: string } }).error.message] as const
  }
  const gate = (channels: ChannelOptions, authenticates = true): Class =>
    gatewayWith(channels, authenticates ? { authenticate: byHeader } : {})

  test('nobody hears a channel that their identity does not carry', async () => {
    const node = await at().serve(gate({ publish: true }))
    const open = await at().serve(gate({ publish: true }, false))
    const nobodys = 'nobody is known here who has a user channel'
    expect(await knocking(open, '/ws/x?subscribe-user')).toEqual([403, nobodys])
    expect(await knocking(open, '/ws/x?subscribe-broadcast&publish-user')).toEqual([403, nobodys])
    expect(await knocking(open, '/ws/x?subscribe-group')).toEqual([403, 'you are in no group'])
    expect(await knocking(node, '/ws/x?subscribe-group', { user: 'zoe', groups: [] })).toEqual([
      403,
      'you are in no group',
    ])
    expect(await knocking(node, '/ws/x?publish-session', { user: 'zoe' })).toEqual([
      403,
      'nobody is known here who has a session channel',
    ])
    const zoe = await at().connect(node, '/ws/x', {
      identity: { user: 'zoe', groups: ['ops'] },
      framed: true,
    })
    const forbidden = (message: string) => ({ error: { code: 'FORBIDDEN', message } })
    expect(await zoe.ask({ subscribe: 'session' })).toEqual(
      forbidden('nobody is known here who has a session channel'),
    )
    expect(await zoe.ask({ subscribe: 'group:staff' })).toEqual(forbidden('you are not in the group staff'))
    expect(await zoe.ask({ publish: 'group:staff', data: 1 })).toEqual(
      forbidden('you are not in the group staff'),
    )
    expect(node.app.stats().forbidden).toBe(5)
    const anonymous = await at().connect(open, '/ws/x', { framed: true })
    expect(await anonymous.ask({ subscribe: 'user' })).toEqual(forbidden(nobodys))
    expect(await at().open()).toEqual([])
  })

  test('publishing is denied unless the gateway allows it', async () => {
    const node = await at().serve(gate({}))
    const denied = 'you may not publish to broadcast here'
    expect(await knocking(node, '/ws/x?publish-broadcast', ann)).toEqual([403, denied])
    const client = await at().connect(node, '/ws/x?subscribe-broadcast', { identity: ann, framed: true })
    expect(await client.ask({ publish: 'broadcast', data: 1 })).toEqual({
      error: { code: 'FORBIDDEN', message: denied },
    })
    client.send('{"publish":"user","data":1}')
    expect(await client.next()).toEqual([
      '{"error":{"code":"FORBIDDEN","message":"you may not publish to user here","event":"publish"}}',
    ])
    expect(await client.ask({ event: 'echo', data: 1 })).toEqual({ data: 1 })
  })

  test('a rule lists audiences, or decides by itself, at once or later', async () => {
    const asked: Omit<ChannelCall, 'handshake'>[] = []
    const node = await at().serve(
      gate({
        subscribe: ['broadcast', 'user'],
        publish: async ({ handshake, ...call }) => {
          asked.push(call)
          await Promise.resolve()
          return handshake.url.searchParams.get('key') === 'open' && call.name !== 'ops'
        },
      }),
    )
    expect(await knocking(node, '/ws/x?subscribe-group', ann)).toEqual([
      403,
      'you may not subscribe group:staff here',
    ])
    expect(await knocking(node, '/ws/x?publish-user', ann)).toEqual([403, 'you may not publish to user here'])
    const client = await at().connect(node, '/ws/x?key=open&subscribe-user&publish-broadcast', {
      identity: ann,
      framed: true,
    })
    expect(asked).toEqual([
      { audience: 'user', name: 'ann', facility: 'x', identity: ann },
      { audience: 'broadcast', facility: 'x', identity: ann },
    ])
    expect(await client.ask({ publish: 'group:staff', data: 1 })).toEqual({})
    expect(await client.ask({ publish: 'group', data: 1 })).toEqual({
      error: { code: 'FORBIDDEN', message: 'you may not publish to group:ops here' },
    })
    expect(await client.ask({ subscribe: 'session' })).toMatchObject({ error: { code: 'FORBIDDEN' } })
  })

  test('a rule that throws refuses, and what it threw is logged unless it is for the client', async () => {
    const node = await at().serve(
      gate({
        subscribe: ({ audience }) => {
          if (audience === 'user') throw new Error('the database is down')
          throw new PartylineError('NOT_NOW', 'come back tomorrow')
        },
        publish: () => Promise.reject(new Error('the database is down, too')),
      }),
    )
    expect(await knocking(node, '/ws/x?subscribe-user', ann)).toEqual([
      403,
      'you may not subscribe user here',
    ])
    expect(await knocking(node, '/ws/x?subscribe-broadcast', ann)).toEqual([403, 'come back tomorrow'])
    const client = await at().connect(node, '/ws/x', { identity: ann, framed: true })
    expect(await client.ask({ publish: 'broadcast', data: 1 })).toEqual({
      error: { code: 'FORBIDDEN', message: 'you may not publish to broadcast here' },
    })
    const message = 'a rule about channels failed, which refuses'
    expect(node.logged().filter(({ level }) => level !== 'info')).toMatchObject([
      { level: 'error', message, gateway: 'News' },
      { level: 'error', message, gateway: 'News' },
    ])
  })

  test('names that cannot be are errors, and no neighbour', async () => {
    const node = await at().serve(gate({ publish: true }))
    const first = async (path: string, identity: Identity) => {
      const { status, body } = await knock(node as never, path, { 'x-identity': JSON.stringify(identity) })
      return [status, (body as { error: { code: string } }).error.code]
    }
    for (const facility of ['a%3Ab', 'a%20b', '%7Ba%7D', '%00', 'x'.repeat(129)])
      expect([facility, await first(`/ws/${facility}`, ann)]).toEqual([facility, [400, 'INVALID_DATA']])
    for (const name of ['ann:x', 'a b', '', '{a}', 'a\n', '\ud800'])
      for (const [flag, identity] of [
        ['user', { user: name }],
        ['group', { user: 'ann', groups: ['ok', name] }],
        ['session', { user: 'ann', session: name }],
      ] as const)
        expect([name, flag, await first(`/ws/x?subscribe-${flag}`, identity)]).toEqual([
          name,
          flag,
          [400, 'INVALID_DATA'],
        ])
    const odd = await at().connect(node, '/ws/x', { identity: { user: 'a:b' }, framed: true })
    expect(await odd.ask({ subscribe: 'user' })).toMatchObject({ error: { code: 'INVALID_DATA' } })
    expect(await odd.ask({ publish: 'user', data: 1 })).toMatchObject({ error: { code: 'INVALID_DATA' } })
    for (const name of ['news', 'group:', 'user:bob', 'broadcast:x', 'group:a b'])
      expect(await odd.ask({ subscribe: name })).toMatchObject({ error: { code: 'INVALID_DATA' } })
    expect(await at().open()).toEqual([])
  })

  test('the authenticator and the guards come before', async () => {
    const asked: string[] = []
    const News = gate({
      subscribe: () => {
        asked.push('rule')
        return true
      },
    })
    const node = await at().serve(News, { guards: [() => asked.push('guard') < 0] })
    expect((await knock(node as never, '/ws/x?subscribe-broadcast')).body).toEqual(
      refusal('UNAUTHENTICATED', 'nobody is known here'),
    )
    expect(await knocking(node, '/ws/x?subscribe-broadcast', ann)).toEqual([403, 'this is not allowed'])
    expect(asked).toEqual(['guard'])
  })

  test('frames for a gateway without channels, or that come from the server only, are malformed', async () => {
    const facility = newFacility()
    const node = await at().serve(gate({ publish: true }, false))
    const client = await at().connect(node, `/ws/${facility}`, { framed: true })
    expect(await client.ask({ watch: 'lobby' })).toMatchObject({
      error: { code: 'MALFORMED_FRAME', message: 'this gateway has no presence' },
    })
    client.send('{"channel":"broadcast","data":1}', '{"subscribe":5}', '{"publish":"broadcast"}')
    const messages = (await client.next(3)).map((one) => JSON.parse(String(one)).error.message)
    expect(messages).toEqual([
      '"channel" comes from the server only',
      '"subscribe" is not a non-empty string',
      'there is nothing to publish: undefined is no message',
    ])
  })
}
