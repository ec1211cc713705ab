import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway } from 'partyline'
import { makeClientScript } from '../../tools/client-script.ts'
import { finish, start } from './in-memory.ts'

@Gateway('/party')
class Party {}

@Gateway('/:room')
class Rooms {}

const ask = (init?: RequestInit) => new Request('http://localhost/partyline.js', init)

afterEach(finish)

test('the script that is served is made of the client as it is: run tools/client-script.ts after a change', async () => {
  const written = await Bun.file(`${import.meta.dir}/../../lib/assets/client-script.ts`).text()
  expect(written === (await makeClientScript())).toBe(true)
})

describe('/partyline.js', () => {
  test('is nothing where it was not asked for', async () => {
    const { app } = await start(Party)
    expect((await app.runtime.fetch(ask())).status).toBe(404)
  })

  test('is a script that leaves one name behind', async () => {
    const { app } = await start(Party, { clientScript: true })
    const response = await app.runtime.fetch(ask())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    const before = Object.keys(globalThis)
    new Function(await response.text())()
    const left = Object.keys(globalThis).filter((name) => !before.includes(name))
    const { partyline } = globalThis as unknown as { partyline: object }
    Reflect.deleteProperty(globalThis, 'partyline')
    expect(left).toEqual(['partyline'])
    expect(Object.keys(partyline)).toEqual([
      'connect',
      'channels',
      'presence',
      'PartylineError',
      'closeCodes',
    ])
  })

  test('is not sent again to who has it', async () => {
    const { app } = await start(Party, { clientScript: true })
    const tag = (await app.runtime.fetch(ask())).headers.get('etag') ?? ''
    const again = await app.runtime.fetch(ask({ headers: { 'if-none-match': tag } }))
    expect([again.status, await again.text()]).toEqual([304, ''])
    const other = await app.runtime.fetch(ask({ headers: { 'if-none-match': '"other"' } }))
    expect(other.status).toBe(200)
  })

  test('is for reading, and no gateway hides it', async () => {
    const { app } = await start(Rooms, { clientScript: true })
    expect((await app.runtime.fetch(ask({ method: 'HEAD' }))).status).toBe(200)
    expect(await (await app.runtime.fetch(ask({ method: 'HEAD' }))).text()).toBe('')
    const refused = await app.runtime.fetch(ask({ method: 'POST' }))
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})
