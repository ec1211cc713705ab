import { expect, test } from 'bun:test'
import { Gateway, On, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'
import type { Start } from './start.ts'

abstract class Where {
  @On() where({ params, path }: Socket) {
    return { path, params }
  }
}

@Gateway('party/')
class Party extends Where {}

@Gateway('/')
class Root extends Where {}

@Gateway('/chat/:room')
class Chat extends Where {}

@Gateway('/chat/lobby')
class Lobby extends Where {}

@Gateway('/teams/:team/:channel?', { params: { channel: 'general' } })
class Teams extends Where {}

@Gateway('/optional/:name?')
class Optional extends Where {}

async function where(start: Start, path: string, prefix?: string): Promise<unknown> {
  const { connect } = await start([Party, Root, Chat, Lobby, Teams, Optional], { prefix })
  const client = await connect(path)
  const answer = JSON.parse((await client.ask('{"event":"where","id":1}')) as string) as { data: unknown }
  return answer.data
}

export function paths(start: Start): void {
  test.each([
    ['/party', undefined, '/party'],
    ['/party/', undefined, '/party'],
    ['//party//', undefined, '/party'],
    ['/party?x=1', undefined, '/party'],
    ['/', undefined, '/'],
    ['/ws/party', 'ws/', '/ws/party'],
    ['/ws/v1/party/', '/ws/v1', '/ws/v1/party'],
    ['/ws', '/ws', '/ws'],
  ])('%s with the prefix %j leads to the gateway at %s', async (asked, prefix, path) => {
    expect(await where(start, asked, prefix)).toEqual({ path, params: {} })
  })

  test.each([
    ['/chat/tea', '/chat/:room', { room: 'tea' }],
    ['/chat/tea/', '/chat/:room', { room: 'tea' }],
    ['/chat/five%20o%27clock', '/chat/:room', { room: "five o'clock" }],
    ['/chat/%C3%A9%E2%98%83', '/chat/:room', { room: 'é☃' }],
    ['/chat/a%2Fb', '/chat/:room', { room: 'a/b' }],
    ['/chat/50%25', '/chat/:room', { room: '50%' }],
    ['/chat/%E9', '/chat/:room', { room: '%E9' }],
    ['/chat/__proto__', '/chat/:room', { room: '__proto__' }],
    ['/teams/red', '/teams/:team/:channel?', { team: 'red', channel: 'general' }],
    ['/teams/red/news', '/teams/:team/:channel?', { team: 'red', channel: 'news' }],
    ['/optional', '/optional/:name?', {}],
    ['/optional/x', '/optional/:name?', { name: 'x' }],
  ])('%s leads to %s with %j', async (asked, path, params) => {
    expect(await where(start, asked)).toEqual({ path, params })
  })

  test('a fixed path goes before one with parameters', async () => {
    expect(await where(start, '/chat/lobby')).toEqual({ path: '/chat/lobby', params: {} })
  })

  test.each(['/chat', '/chat/a/b', '/teams', '/teams/a/b/c', '/partyline', '/part'])(
    'no gateway answers at %s',
    async (path) => {
      const { fetch } = await start([Party, Chat, Lobby, Teams, Optional])
      expect((await fetch(path)).status).toBe(404)
    },
  )

  test('without the prefix there is no gateway', async () => {
    const { fetch } = await start(Party, { prefix: '/ws' })
    expect((await fetch('/party')).status).toBe(404)
    expect((await fetch('/ws/party')).status).toBe(426)
  })

  test('a handler sees the query, the url, the headers, the address and the time of the handshake', async () => {
    const clock = new HandClock()

    @Gateway('/ask')
    class Ask {
      @On() tell({ query, handshake }: Socket) {
        return {
          query: [...query],
          path: handshake.url.pathname,
          header: handshake.headers.get('x-flavour'),
          ip: handshake.ip,
          time: handshake.time,
        }
      }
    }

    const { connect } = await start(Ask, { clock })
    const begin = clock.now()
    const client = await connect('/ask?a=1&b=two%20words&a=3', { headers: { 'X-Flavour': 'vanilla' } })
    clock.advance(500)
    expect(JSON.parse((await client.ask('{"event":"tell","id":1}')) as string)).toEqual({
      ack: 1,
      data: {
        query: [
          ['a', '1'],
          ['b', 'two words'],
          ['a', '3'],
        ],
        path: '/ask',
        header: 'vanilla',
        ip: '127.0.0.1',
        time: begin,
      },
    })
  })
}
