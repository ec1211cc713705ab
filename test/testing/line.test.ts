import { describe, expect, test } from 'bun:test'
import { closeCodes } from 'partyline'
import { Refused } from 'partyline/testing'
import { closeHouses, failureOf, house } from './house.ts'

closeHouses()

async function said(task: Promise<unknown>): Promise<string> {
  return (await failureOf(task)).split('\n')[0] as string
}

describe('a line that is spoken by hand', () => {
  test('sends and receives letter by letter', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.send('{"event":"echo","data":1}', 'nonsense')
    expect(await line.expectMessage('{"event":"echo","data":1}')).toBe('{"event":"echo","data":1}')
    await line.expectMessage((text) => expect(text).toContain('MALFORMED_FRAME'))
    await line.expectNothing()
    expect(line.subprotocol).toBeUndefined()
    expect(line.received).toHaveLength(2)
  })

  test('chooses a subprotocol, and gets a hello', async () => {
    const app = await house()
    const line = await app.line('/party', { subprotocols: ['other', 'partyline.json.v1'] })
    expect(line.subprotocol).toBe('partyline.json.v1')
    await line.expectMessage((text) => text.startsWith('{"hello":'))
    line.send('{"event":"pair"}')
    await app.settle()
    expect(line.take()).toHaveLength(3)
    await line.expectNothing()
  })

  test("carries bytes, which are each side's own", async () => {
    const app = await house()
    const line = await app.line('/raw')
    const bytes = new Uint8Array([1, 2, 3])
    line.send(bytes)
    expect(await line.expectMessage(new Uint8Array([1, 2, 3]))).toEqual(bytes)
  })

  test('is closed by either side', async () => {
    const app = await house()
    const line = await app.line('/party')
    line.send('{"event":"leave","data":4001}', '{"event":"echo","data":"unheard"}')
    expect(await line.expectClosed(4_001)).toEqual({ code: 4_001, reason: 'go' })
    expect(line.isOpen).toBe(false)
    line.send('lost')
    line.close()

    const other = await app.line('/party')
    other.send('{"event":"echo","data":"heard"}')
    other.close(3_000, 'done')
    other.send('unheard')
    expect(await other.expectClosed()).toEqual({ code: 3_000, reason: 'done' })
    expect(app.notes).toEqual(['closed 4001', 'heard', 'closed 3000'])
  })

  test.each([
    [1_001, ''],
    [2_999, ''],
    [5_000, ''],
    [1_000.5, ''],
    [1_000, 'ä'.repeat(62)],
  ])('cannot be closed with %p %p, as in browsers', async (code, reason) => {
    const app = await house()
    const line = await app.line('/plain')
    expect(() => line.close(code, reason)).toThrow(reason === '' ? 'InvalidAccessError' : 'SyntaxError')
    expect(line.isOpen).toBe(true)
  })

  test('is closed with 1009 where a message is too large', async () => {
    const app = await house({ limits: { payload: 100 } })
    const line = await app.line('/plain')
    line.send('x'.repeat(101))
    await line.expectClosed(closeCodes.tooBig.code)
  })

  test('says what came in place of what was expected', async () => {
    const app = await house()
    const line = await app.line('/plain', { name: 'ann' })
    expect(await said(line.expectMessage())).toBe('expected ann to receive a message, and none came')
    expect(await said(line.expectMessage('{"ack":1}'))).toBe(
      'expected ann to receive {"ack":1}, and none came',
    )
    line.send('{"event":"echo","data":1}', '{"event":"echo","data":2}')
    const message = await failureOf(line.expectMessage('{"ack":1}'))
    expect(message).toBe(
      [
        'expected ann to receive {"ack":1}, and got {"event":"echo","data":1}',
        '',
        'what no expectation took:',
        '  {"event":"echo","data":2}',
        '',
        'what passed on the line of ann (> sent, < received):',
        '       0 ms | open',
        '       0 ms > {"event":"echo","data":1}',
        '       0 ms > {"event":"echo","data":2}',
        '       0 ms < {"event":"echo","data":1}',
        '       0 ms < {"event":"echo","data":2}',
      ].join('\n'),
    )
    expect(await said(line.expectNothing())).toBe('expected ann to receive nothing, and something came')
    expect(await said(line.expectMessage((text) => text.includes('ack')))).toBe(
      'expected ann to receive whatever passes a check, and got {"event":"echo","data":2}: ' +
        '"{\\"event\\":\\"echo\\",\\"data\\":2}" does not pass the check',
    )
    expect(await said(line.expectClosed(1_000))).toBe('expected ann to be closed with 1000, and it is open')
    line.close()
    await line.expectClosed()
    expect(await said(line.expectClosed(1_001))).toBe(
      'expected ann to be closed with 1001, and it was with 1000',
    )
    expect(await said(line.expectMessage())).toBe(
      'expected ann to receive a message, and the line was closed with 1000',
    )
  })
})

describe('a connection that is not taken in', () => {
  test.each(['connect', 'line'] as const)('is an error with the response: %s', async (how) => {
    const app = await house({ authenticate: () => null })
    const error = await app[how]('/plain', { name: 'ann' }).catch((error) => error)
    expect(error).toBeInstanceOf(Refused)
    expect(error.message).toBe(
      'ann was refused with 401: {"error":{"code":"UNAUTHENTICATED","message":"nobody is known here"}}',
    )
    expect(error.status).toBe(401)
    expect(await error.response.json()).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
  })

  test('can be told of by `expect(…).rejects`, which has the event loop for itself', async () => {
    const app = await house({
      authenticate: async () => {
        await crypto.subtle.digest('SHA-256', new Uint8Array())
        return null
      },
    })
    await app.settle()
    await expect(app.connect('/plain')).rejects.toThrow('401')
    await expect(app.line('/plain')).rejects.toThrow('401')
  })

  test('is an error where nobody is there', async () => {
    const app = await house()
    app.network.down()
    expect(await failureOf(app.connect('/plain', { name: 'ann' }))).toBe(
      'ann could not connect: nobody is there: the network is down, or the app was stopped',
    )
    app.network.up()
    await app.stop()
    expect(await failureOf(app.line('/plain', { name: 'bob' }))).toStartWith('bob could not connect: nobody')
  })

  test('is an error where it is closed at once, or takes for ever', async () => {
    const app = await house()
    app.network.set({ cut: 1 })
    expect(await failureOf(app.connect('/party', { name: 'ann' }))).toBe(
      'ann could not connect: the line was closed with 1006',
    )
    app.network.heal()
    app.network.stall()
    expect(await failureOf(app.line('/party', { name: 'bob' }))).toStartWith(
      'bob could not connect: no answer',
    )
  })

  test('is tried again by a client that has only begun to connect', async () => {
    const app = await house()
    app.network.down()
    const ann = app.client('/party')
    await app.settle()
    expect(ann.state).toBe('reconnecting')
    app.network.up()
    await app.advance(1_000)
    await ann.expectState('open', { recovered: false })
  })
})
