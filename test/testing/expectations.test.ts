import { describe, expect, test } from 'bun:test'
import { event, json } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { closeHouses, failureOf, house, joined, pair } from './house.ts'

closeHouses()

/** The first paragraph of a message: what was expected, and what came. */
async function said(task: Promise<unknown>): Promise<string> {
  return (await failureOf(task)).split('\n')[0] as string
}

describe('an event', () => {
  test('is taken with what it carries', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    expect(await ann.call('join', 'Ann')).toBe(1)
    expect(await ann.expectEvent(joined)).toEqual({ user: 'Ann', at: 7 })
    ann.emit('pair')
    expect(await ann.expectEvent(pair, ['ha', 3])).toEqual(['ha', 3])
    expect(await ann.expectEvent('several')).toEqual([1, 2])
    expect(await ann.expectEvent('none')).toBeUndefined()
    await ann.expectNothing()
  })

  test('is the oldest of its name, and those of other names stay', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    for (const data of [1, 2]) ann.emit('echo', data)
    await ann.call('join', 'Ann')
    await ann.expectEvent('joined')
    expect(ann.events).toEqual([1, 2].map((data) => ({ event: 'echo', args: [data] })))
    await ann.expectEvent('echo', 1)
    await ann.expectEvent('echo', 2)
  })

  test('is heard by callbacks as ever, and taken though they are taken away', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const heard: unknown[] = []
    ann.on('echo', (data) => heard.push(data))
    ann.emit('echo', 1)
    await ann.expectEvent('echo', 1)
    ann.off('echo')
    ann.emit('echo', 2)
    await ann.expectEvent('echo', 2)
    expect(heard).toEqual([1])
  })

  test('that comes when the client has closed is no more heard of', async () => {
    const app = await house()
    let read = 0
    const decode = (message: string | Uint8Array) => {
      read++
      return json().decode(message)
    }
    const ann = await app.connect('/party', { codec: { ...json(), decode } })
    read = 0
    ann.network.set({ delay: 100 })
    ann.emit('echo', 1)
    await app.advance(150)
    ann.close()
    await app.advance(1_000)
    await ann.expectNothing()
    expect([app.notes, read]).toEqual([[1, 'closed 1000'], 0])
  })

  test('that comes from the outside world is waited for', async () => {
    const app = await house({ patience: 4_000 })
    const ann = await app.connect('/party')
    ann.emit('digest', 'cake')
    await ann.expectEvent('digest', 32)
  })

  test('that did not come: what was expected, what came, what passed, and what the app logged', async () => {
    const app = await house()
    const ann = await app.connect('/party', { name: 'ann' })
    ann.emit('echo', 'tea')
    ann.emit('fail')
    ann.emit('fail', 'no cake')
    const message = await failureOf(ann.expectEvent('joined', { user: 'Ann' }))
    const hello = /\{"hello".*/
    expect(message.replace(hello, '{"hello":…}').replace(/"socket": "[^"]*"/, '"socket": …')).toBe(
      [
        'expected ann to receive "joined" with {"user": "Ann"}, and it did not come',
        '',
        'what no expectation took:',
        '  "echo" with "tea"',
        '  the error INTERNAL: the server failed to handle this, of "fail"',
        '  the error NO_CAKE: no cake, of "fail"',
        '',
        'what passed on the line of ann (> sent, < received):',
        '       0 ms | open',
        '       0 ms < {"hello":…}',
        '       0 ms > {"event":"echo","data":"tea","pos":1}',
        '       0 ms > {"event":"fail","args":[],"pos":2}',
        '       0 ms > {"event":"fail","data":"no cake","pos":3}',
        '       0 ms < {"event":"echo","data":"tea","pos":1}',
        '       0 ms < {"error":{"code":"INTERNAL","message":"the server failed to handle this","event":"fail"},"pos":2}',
        '       0 ms < {"error":{"code":"NO_CAKE","message":"no cake","event":"fail"},"pos":3}',
        '',
        'what the app logged:',
        '  error: a handler failed {"gateway": "Party", "event": "fail", "socket": …}',
        '    Error: the oven is broken',
      ].join('\n'),
    )
    app.logged()
  })

  test('that carries something else: what, and where', async () => {
    const app = await house()
    const ann = await app.connect('/party', { name: 'ann' })
    await ann.call('join', 'Ann')
    expect(await said(ann.expectEvent(joined, { user: 'Bob', at: 7 }))).toBe(
      'expected ann to receive "joined" with {"user": "Bob", "at": 7}, and got {"user": "Ann", "at": 7}: ' +
        'at user: "Ann" is not "Bob"',
    )
  })

  test('the failure points to whoever expected it', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const error: Error = await ann.expectEvent('joined').then(
      () => expect.unreachable(),
      (error) => error,
    )
    const place = error.stack?.split('\n').find((line) => /^\s+at /.test(line))
    expect(place).toContain('expectations.test.ts')
  })
})

function fails(): never {
  throw new Error('no 7')
}

describe('what is expected', () => {
  const bytes = new Uint8Array([1, 2])
  test.each<[what: string, expected: unknown, data: unknown, fault: string]>([
    ['a number', 1, 1, ''],
    ['another number', 1, 2, '2 is not 1'],
    ['another type', 1, '1', '"1" is not 1'],
    ['what JSON makes null of', Number.NaN, null, 'null is not NaN'],
    ['null and an object', null, {}, '{} is not null'],
    ['an object and a list', {}, [], '[] is not {}'],
    ['an object', { a: 1 }, { a: 1 }, ''],
    ['a member that is undefined', { a: 1, b: undefined }, { a: 1 }, ''],
    ['a member too many', { a: 1 }, { a: 1, b: 2 }, 'at b: 2 is not undefined'],
    ['a member too few', { a: 1, b: 2 }, { a: 1 }, 'at b: undefined is not 2'],
    ['a list', [1, 2], [1, 2], ''],
    ['another list', [1, 2], [1, 3], 'at 1: 3 is not 2'],
    ['a shorter list', [1, 2], [1], '[1] is not [1, 2]'],
    ['something deep inside', { list: [{ a: 'x' }] }, { list: [{ a: 'y' }] }, 'at list.0.a: "y" is not "x"'],
    ['a check', Number.isInteger, 7, ''],
    ['a check of a member', { at: Number.isInteger }, { at: 7 }, ''],
    ['a check that fails', { at: Number.isInteger }, { at: 7.5 }, 'at at: 7.5 does not pass the check'],
    ['an assertion', (n: number) => expect(n).toBe(7), 7, ''],
    ['an assertion that fails', fails, 8, '8 does not pass the check: no 7'],
    ["a test runner's own", { asymmetricMatch: (n: number) => n > 6, toString: () => 'More<6>' }, 7, ''],
    [
      "a test runner's own that fails",
      { asymmetricMatch: (n: number) => n > 6, toString: () => 'More<6>' },
      6,
      '6 is not More<6>',
    ],
  ])('may be %s', async (_, expected, data, fault) => {
    const app = await house()
    const ann = await app.connect('/party')
    ann.emit('echo', data)
    if (fault === '') await ann.expectEvent('echo', expected)
    else expect(await said(ann.expectEvent('echo', expected))).toEndWith(`: ${fault}`)
  })

  test.each<[what: string, expected: unknown, data: unknown, fault: string]>([
    ['bytes', bytes, bytes, ''],
    ['other bytes', bytes, new Uint8Array([1, 3]), '<01 03> is not <01 02>'],
    ['a date', new Date(7), new Date(7), ''],
    ['another date', new Date(7), new Date(8), 'Date(8) is not Date(7)'],
    ['a big integer', 2n ** 62n, 2n ** 62n, ''],
  ])('may be %s, in MessagePack', async (_, expected, data, fault) => {
    const app = await house()
    const ann = await app.connect('/party', { codec: msgpack() })
    ann.emit('echo', data)
    if (fault === '') await ann.expectEvent('echo', expected)
    else expect(await said(ann.expectEvent('echo', expected))).toEndWith(`: ${fault}`)
  })
})

describe('nothing', () => {
  test('is what comes where everything was taken', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    await ann.expectNothing()
    ann.emit('echo', 1)
    await ann.expectNothing(joined)
    await ann.expectEvent('echo')
    await ann.expectNothing('echo')
    await ann.expectNothing()
  })

  test('is not what came', async () => {
    const app = await house()
    const ann = await app.connect('/party', { name: 'ann' })
    ann.emit('echo', 1)
    ann.emit('leave', 5)
    const message = await failureOf(ann.expectNothing())
    expect(message).toStartWith(
      'expected ann to receive nothing, and something came\n\nwhat no expectation took:\n  "echo" with 1\n' +
        '  the error INTERNAL: the server failed to handle this, of "leave"\n',
    )
    expect(await said(ann.expectNothing(event('echo')))).toBe(
      'expected ann to receive no "echo", and something came',
    )
    await ann.expectNothing('joined')
  })

  test('requests are for handlers, and are no events', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    ann.handle('name', () => 'Ann')
    ann.emit('ask')
    await ann.expectNothing()
    expect(app.notes).toEqual(['Ann'])
    expect(await said(ann.expectEvent('name'))).toEndWith('and it did not come')
  })
})

describe('a state', () => {
  test('is taken with what was told, and with those before it', async () => {
    const app = await house()
    const ann = await app.connect('/party', { name: 'ann', backoff: { min: 100 } })
    ann.network.cut()
    await app.advance(100)
    expect(await ann.expectState('open', { recovered: true })).toEqual({ recovered: true, lost: 0 })
    expect(await said(ann.expectState('reconnecting'))).toBe(
      'expected ann to become reconnecting, and it is open',
    )
    ann.network.cut()
    expect(await ann.expectState('reconnecting', { attempt: 2 })).toMatchObject({ reason: { code: 1006 } })
    await app.advance(100)
    expect(await said(ann.expectState('open', { recovered: false }))).toBe(
      'expected ann to become open with {"recovered": false}, and got {"recovered": true, "lost": 0}: ' +
        'at recovered: true is not false',
    )
  })
})

describe('the end', () => {
  test('is waited for, and says how', async () => {
    const app = await house()
    const ann = await app.connect('/party', { name: 'ann' })
    expect(await said(ann.expectClosed())).toBe('expected ann to be closed, and it is open')
    ann.emit('leave', 4_001)
    expect(await ann.expectClosed(4_001)).toEqual({ code: 4_001, reason: 'go' })
    expect(ann.closed).toEqual({ code: 4_001, reason: 'go' })
    expect(await said(ann.expectClosed(1_000))).toBe(
      'expected ann to be closed with 1000, and it was with 4001 go',
    )
  })
})

describe('an error', () => {
  test('is what the client reported, and onError hears of it too', async () => {
    const app = await house()
    const reported: unknown[] = []
    const ann = await app.connect('/party', { name: 'ann', onError: (error) => reported.push(error) })
    expect(await said(ann.expectError())).toBe('expected ann to report an error, and there was none')
    ann.emit('fail', 'eaten')
    const error = await ann.expectError('NO_CAKE')
    expect(reported).toEqual([error])
    ann.emit('fail', 'eaten')
    expect(await said(ann.expectError('NO_TEA'))).toBe(
      'expected ann to report an error NO_TEA, and got the error NO_CAKE: eaten, of "fail"',
    )
    ann.on('echo', () => {
      throw new TypeError('a callback')
    })
    ann.emit('echo', 1)
    expect(await ann.expectError()).toBeInstanceOf(TypeError)
  })
})
