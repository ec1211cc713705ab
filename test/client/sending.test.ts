import { describe, expect, test } from 'bun:test'
import { msgpack } from 'partyline/msgpack'
import { HELLO, Network, outcomeOf, RESUMABLE } from './network.ts'

test('emits leave in order, each as its arguments are, and can be chained', () => {
  const { client, line } = new Network().open()
  expect(client.emit('a').emit('b', 1).emit('c', 1, 'x').emit('d', undefined).emit('e', [1])).toBe(client)
  expect(line.sent()).toEqual([
    '{"event":"a","args":[]}',
    '{"event":"b","data":1}',
    '{"event":"c","args":[1,"x"]}',
    '{"event":"d"}',
    '{"event":"e","data":[1]}',
  ])
})

test('what is sent before there is a line waits for it, in order, calls and emits alike', () => {
  const network = new Network()
  network.client.emit('a')
  void network.client.call('b', 1).catch(() => {})
  network.client.emit('c')
  network.line.open()
  expect(network.line.sent()).toEqual([])
  network.line.say(HELLO)
  network.client.emit('d')
  expect(network.line.sent()).toEqual([
    '{"event":"a","args":[]}',
    '{"event":"b","data":1,"id":1}',
    '{"event":"c","args":[]}',
    '{"event":"d","args":[]}',
  ])
})

test('what waits stands before what is sent by those who hear that the line is open', () => {
  const network = new Network()
  network.client.when('open', () => network.client.emit('load')).emit('first')
  network.open()
  expect(network.line.sent()).toEqual(['{"event":"first","args":[]}', '{"event":"load","args":[]}'])
})

test('what waits is as it was when it was sent, whatever became of its data', () => {
  const network = new Network()
  const point = { x: 1, at: new Date(0) }
  network.client.emit('moved', point)
  point.x = 2
  network.open()
  expect(network.line.sent()).toEqual(['{"event":"moved","data":{"x":1,"at":"1970-01-01T00:00:00.000Z"}}'])
})

test('bytes that waited for a line are those that were sent, also where they get a position', () => {
  const codec = msgpack()
  const network = new Network({ codec })
  const bytes = new Uint8Array([0, 127, 128, 255])
  network.client.emit('bytes', bytes)
  bytes.fill(1)
  network.line.open()
  network.line.say(new Uint8Array(codec.encode(JSON.parse(RESUMABLE)) as Uint8Array).buffer)
  // ["bytes", [bin 4], nil, 1] behind the kind 0: fixstr 5, fixarray 1, bin8 4, nil, 1.
  expect(network.line.sent()).toEqual([
    Uint8Array.from([0x95, 0, 0xa5, 98, 121, 116, 101, 115, 0x91, 0xc4, 4, 0, 127, 128, 255, 0xc0, 1]),
  ])
})

test('data that cannot be sent throws at once, with and without a line, and nothing of it is left', async () => {
  const network = new Network()
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  for (const data of [new Uint8Array(3), 1n, cycle]) {
    expect(() => network.client.emit('bytes', data)).toThrow(TypeError)
    expect(await outcomeOf(network.client.call('bytes', data))).toEqual({ error: expect.any(TypeError) })
  }
  network.open()
  for (const data of [new Uint8Array(3), 1n, cycle]) {
    expect(() => network.client.emit('bytes', data)).toThrow(TypeError)
    expect(() => network.client.volatile.emit('bytes', data)).toThrow(TypeError)
    expect(await outcomeOf(network.client.call('bytes', data))).toEqual({ error: expect.any(TypeError) })
  }
  expect(network.line.sent()).toEqual([])
})

test('on a line that answers before it has finished sending, what waits still comes first', () => {
  const network = new Network()
  network.client
    .on('go on', () => network.client.emit('c'))
    .emit('a')
    .emit('b')
  const { line } = network
  const send = line.send.bind(line)
  line.send = (data) => {
    send(data)
    if (String(data).includes('"a"')) line.say('{"event":"go on"}')
  }
  network.open()
  expect(line.sent()).toEqual([
    '{"event":"a","args":[]}',
    '{"event":"b","args":[]}',
    '{"event":"c","args":[]}',
  ])
})

test('what is sent while the server closes waits for the next line: on this one nobody would read it', () => {
  const network = new Network().open()
  network.line.closing()
  network.client.emit('a').emit('b')
  network.line.end(1001)
  network.client.emit('c')
  network.redial().open()
  expect(network.line.sent()).toEqual([
    '{"event":"a","args":[]}',
    '{"event":"b","args":[]}',
    '{"event":"c","args":[]}',
  ])
})

test('without recovery, what was sent on a line that broke is not sent again', () => {
  const network = new Network().open()
  network.client.emit('a')
  expect(network.cut().open().line.sent()).toEqual([])
  expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 0 }])
})

describe('volatile', () => {
  test('leaves at once, or never', () => {
    const network = new Network()
    expect(network.client.volatile.emit('a')).toBe(network.client)
    network.open().client.volatile.emit('b', 1)
    expect(network.line.sent()).toEqual(['{"event":"b","data":1}'])
    network.line.closing()
    network.client.volatile.emit('c')
    network.line.end(1006)
    network.client.volatile.emit('d')
    network.redial().open()
    expect(network.line.sent()).toEqual([])
    network.client.close()
    expect(() => network.client.volatile.emit('e')).not.toThrow()
  })

  test('has a position where others have one, and is not sent again', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a').volatile.emit('b').emit('c')
    expect(network.line.sent()).toEqual([
      '{"event":"a","args":[],"pos":1}',
      '{"event":"b","args":[],"pos":2}',
      '{"event":"c","args":[],"pos":3}',
    ])
  })

  test('does not count as waiting', () => {
    const network = new Network({ queue: { frames: 1 } }).open(RESUMABLE)
    for (let i = 0; i < 10; i++) network.client.volatile.emit('a')
    network.client.emit('b')
    expect(network.line.sent()).toHaveLength(11)
  })
})

describe('the queue', () => {
  const overloaded = expect.objectContaining({ code: 'OVERLOADED' })

  test('is bounded in frames: beyond it emit throws and call rejects', async () => {
    const network = new Network({ queue: { frames: 2 } })
    network.client.emit('a').emit('b')
    expect(() => network.client.emit('c')).toThrow(overloaded)
    expect(await outcomeOf(network.client.call('d'))).toEqual({ code: 'OVERLOADED' })
    network.open()
    expect(network.line.sent()).toEqual(['{"event":"a","args":[]}', '{"event":"b","args":[]}'])
    for (let i = 0; i < 10; i++) network.client.emit('free again')
    expect(network.line.sent()).toHaveLength(10)
    network.line.end(1006)
    network.client.emit('a').emit('b')
    expect(() => network.client.emit('c')).toThrow(overloaded)
  })

  test('is bounded in bytes', () => {
    // {"event":"a","data":"…"} is 23 characters and the text.
    const network = new Network({ queue: { bytes: 66 } })
    network.client.emit('a', '1234567890').emit('a', '1234567890')
    expect(() => network.client.emit('a', '')).toThrow(overloaded)
    network.open().line.end(1006)
    expect(() => network.client.emit('a', 'x'.repeat(44))).toThrow(overloaded)
    network.client.emit('a', 'x'.repeat(43))
    expect(() => network.client.emit('a')).toThrow(overloaded)
  })

  test('takes 1,000 frames, and 4 MiB, unless it is told otherwise', () => {
    const many = new Network()
    for (let i = 0; i < 1_000; i++) many.client.emit('a')
    expect(() => many.client.emit('a')).toThrow(overloaded)
    const large = new Network()
    large.client.emit('a', 'x'.repeat(4 * 1_048_576 - 23))
    expect(() => large.client.emit('a')).toThrow(overloaded)
  })

  test('holds what is not known to have arrived, too', () => {
    const network = new Network({ queue: { frames: 3 } }).open(RESUMABLE)
    network.client.emit('a').emit('b').emit('c')
    expect(() => network.client.emit('d')).toThrow(overloaded)
    network.line.say('{"received":2}')
    network.client.emit('d').emit('e')
    expect(() => network.client.emit('f')).toThrow(overloaded)
    network.line.end(1006)
    expect(() => network.client.emit('f')).toThrow(overloaded)
    expect(network.line.sent()).toHaveLength(5)
  })

  test('loses nothing of its room to what was withdrawn, dropped or refused', async () => {
    const network = new Network({ queue: { frames: 1, bytes: 100 } })
    for (let i = 0; i < 10; i++) {
      const call = network.client.call('x', 'a text of some length', { timeout: 10 })
      expect(() => network.client.emit('more')).toThrow(overloaded)
      network.clock.advance(10)
      expect(await outcomeOf(call)).toEqual({ code: 'TIMEOUT' })
    }
    network.redial().open(RESUMABLE)
    for (let i = 1; i < 10; i++) {
      network.client.emit('x', 'a text of some length')
      network.line.say(`{"received":${i}}`)
    }
    for (let i = 0; i < 5; i++) {
      network.client.emit('x', 'a text of some length')
      network.cut().open(RESUMABLE)
    }
    expect(network.line.sent()).toEqual([])
    network.client.emit('x', 'a text of some length')
  })
})

test('a client that is closed sends nothing, and says so', async () => {
  const network = new Network().open()
  network.client.close()
  expect(() => network.client.emit('a')).toThrow(expect.objectContaining({ code: 'DISCONNECTED' }))
  expect(await outcomeOf(network.client.call('b'))).toEqual({ code: 'DISCONNECTED' })
})
