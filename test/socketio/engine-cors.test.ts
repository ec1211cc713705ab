import { describe, expect, test } from 'bun:test'
import type { CorsOptions } from '../../lib/socketio/engine/options.ts'
import { World } from './engine-world.ts'

const PAGE = 'https://page.example'

async function headersFor(
  cors: true | CorsOptions | undefined,
  origin?: string,
): Promise<Record<string, string>> {
  const headers = origin === undefined ? undefined : { origin }
  const response = await new World({ cors }).ask('EIO=4&transport=polling', { headers })
  const named = [...response.headers].filter(([name]) => name.startsWith('access-control') || name === 'vary')
  return Object.fromEntries(named)
}

describe('a page of another origin', () => {
  test.each([
    [undefined, PAGE, {}],
    [true, PAGE, { 'access-control-allow-origin': '*' }],
    [true, undefined, { 'access-control-allow-origin': '*' }],
    [{ origins: [PAGE] }, PAGE, { 'access-control-allow-origin': PAGE, vary: 'Origin' }],
    [{ origins: [PAGE] }, 'https://other.example', { vary: 'Origin' }],
    [{ origins: [PAGE] }, undefined, { vary: 'Origin' }],
    [
      { origins: (one: string) => one === PAGE },
      PAGE,
      { 'access-control-allow-origin': PAGE, vary: 'Origin' },
    ],
    [
      { credentials: true },
      PAGE,
      { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true', vary: 'Origin' },
    ],
  ] as const)('with %p, from %p, is told %p', async (cors, origin, told) => {
    expect(await headersFor(cors as CorsOptions, origin)).toEqual(told)
  })

  test('is told nothing where the function for it fails', async () => {
    const origins = (): boolean => {
      throw new Error('no')
    }
    const world = new World({ cors: { origins } })
    const response = await world.ask('EIO=4&transport=polling', { headers: { origin: PAGE } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(world.failures).toHaveLength(1)
  })

  test('may read refusals, and what becomes of its POSTs', async () => {
    const world = new World({ cors: true, maxPayload: 10 })
    const sid = await world.begin()
    const answers = [
      await world.ask('EIO=4'),
      await world.post(sid, '4a'),
      await world.post(sid, 'x'.repeat(11)),
      await world.poll('unknown'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 200, 413, 400])
    for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('a browser that asks before', () => {
  const ask = async (cors: true | CorsOptions | undefined) => {
    const headers = { origin: PAGE, 'access-control-request-headers': 'x-a, x-b' }
    const response = await new World({ cors }).ask('EIO=4&transport=polling', { method: 'OPTIONS', headers })
    return { status: response.status, headers: Object.fromEntries(response.headers) }
  }

  test('is told what it may send', async () => {
    expect(await ask({ origins: [PAGE], credentials: true, maxAge: 600 })).toEqual({
      status: 204,
      headers: {
        'access-control-allow-origin': PAGE,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'x-a, x-b',
        'access-control-max-age': '600',
        vary: 'Origin, Access-Control-Request-Headers',
      },
    })
  })

  test('is told which headers it may send where they are said', async () => {
    const { headers } = await ask({ headers: ['x-a'] })
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'x-a',
    })
    expect(headers.vary ?? '').toBe('')
  })

  test('is refused where no other origin may', async () => {
    expect((await ask(undefined)).status).toBe(400)
  })
})
