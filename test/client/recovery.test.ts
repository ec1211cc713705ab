import { describe, expect, test } from 'bun:test'
import { HELLO, Network, NOT_RECOVERED, RESUMABLE, resumed } from './network.ts'

/** Hears the data of the event `n`. */
function hearing(network: Network): unknown[] {
  const heard: unknown[] = []
  network.client.on('n', (data) => heard.push(data))
  return heard
}

const n = (data: number, pos: number): string => `{"event":"n","data":${data},"pos":${pos}}`

describe('what the client asks for', () => {
  test('at first, nothing', () => {
    expect(new Network().line.protocols).toEqual(['partyline.json.v1'])
  })

  test('after a line that broke, its session, by the token and the last position that arrived', () => {
    const network = new Network({ token: 'me' }).open(RESUMABLE)
    network.cut()
    expect(network.line.protocols).toEqual([
      'partyline.json.v1',
      'partyline.resume.t1.100',
      'partyline.bearer.me',
    ])
    network.open(resumed(0), n(1, 107), n(2, 110)).cut()
    expect(network.line.protocols[1]).toBe('partyline.resume.t2.110')
  })

  test('with the same token again, when the hello with the next was lost', () => {
    const network = new Network().open(RESUMABLE)
    network.cut()
    network.line.open()
    network.cut()
    network.line.refuse()
    network.redial()
    expect(network.line.protocols[1]).toBe('partyline.resume.t1.100')
    expect(network.open(resumed(0)).told.at(-1)).toEqual(['open', { recovered: true, lost: 0 }])
  })

  test('nothing, when the time for it has passed', () => {
    const network = new Network({ backoff: { min: 250_000, max: 250_000 } }).open(RESUMABLE)
    network.line.end(1006)
    network.clock.advance(120_000)
    network.clock.advance(5_000)
    expect(network.line.protocols).toEqual(['partyline.json.v1'])
  })

  test('counted from the loss of the line, however often it was tried since', () => {
    const network = new Network({ random: () => 0.9 }).open(RESUMABLE)
    network.line.end(1006)
    const lostAt = network.clock.now()
    for (;;) {
      network.redial()
      if (network.clock.now() - lostAt >= 120_000) break
      expect(network.line.protocols[1]).toBe('partyline.resume.t1.100')
      network.line.refuse()
    }
    expect(network.line.protocols).toEqual(['partyline.json.v1'])
  })

  test('counted anew from the next loss', () => {
    const network = new Network().open(RESUMABLE)
    network.cut().open(resumed(0))
    for (let i = 0; i < 10; i++) {
      network.clock.advance(24_000)
      network.line.say('{"ping":1}')
    }
    network.cut()
    expect(network.line.protocols[1]).toBe('partyline.resume.t2.100')
    network.line.refuse()
    network.clock.advance(1_000)
    network.open(resumed(0, 't3'))
    expect(network.told.at(-1)).toEqual(['open', { recovered: true, lost: 0 }])
  })

  test('what the attempt has asked for in time is waited for, though the time passes meanwhile', async () => {
    const network = new Network({ connectTimeout: 100_000, random: () => 1 }).open(RESUMABLE)
    network.client.emit('kept')
    network.line.end(1006)
    network.clock.advance(500)
    network.line.refuse()
    network.clock.advance(1_000)
    network.clock.advance(99_000)
    network.line.refuse()
    network.clock.advance(2_000)
    network.clock.advance(60_000)
    network.open(resumed(0))
    expect(network.told.at(-1)).toEqual(['open', { recovered: true, lost: 0 }])
    expect(network.line.sent()).toEqual(['{"event":"kept","args":[],"pos":1}'])
  })

  test.each([
    '"recovery":{"token":"a b","window":1000,"pos":1}',
    '"recovery":{"token":"","window":1000,"pos":1}',
    '"recovery":{"token":"a,b","window":1000,"pos":1}',
    '"recovery":{"token":"t","window":0,"pos":1}',
    '"recovery":{"token":"t","window":"long","pos":1}',
    '"recovery":{"token":"t","window":1000,"pos":-1}',
    '"recovery":{"token":"t","window":1000}',
    '"recovery":{"window":1000,"pos":1}',
    '"recovery":7',
    '"recovery":null',
    '"recovered":true',
  ])('nothing, where the terms make no sense: %s', (terms) => {
    const network = new Network().open(`{"hello":{"sid":"s1","heartbeat":25000,${terms}}}`)
    expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 0 }])
    network.client.emit('a')
    expect(network.line.sent()).toEqual(['{"event":"a","args":[]}'])
    expect(network.cut().line.protocols).toEqual(['partyline.json.v1'])
    expect(network.errors).toEqual([])
  })

  test('a window that is longer than timers can wait is one', () => {
    const network = new Network().open(RESUMABLE.replace('120000', '1e300'))
    expect(network.cut().line.protocols[1]).toBe('partyline.resume.t1.100')
  })
})

describe('what arrives', () => {
  test('is told once and in order: what comes again after a line broke is dropped', () => {
    const network = new Network().open(RESUMABLE)
    const heard = hearing(network)
    network.line.say(n(1, 103), n(2, 104))
    network.cut().open(resumed(0), n(1, 103), n(2, 104), n(3, 109), n(3, 109), n(4, 110))
    expect(heard).toEqual([1, 2, 3, 4])
  })

  test('is not new where its position is that of the hello, or below', () => {
    const network = new Network().open(RESUMABLE)
    const heard = hearing(network)
    network.line.say(n(0, 99), n(1, 100), n(2, 101))
    expect(heard).toEqual([2])
  })

  test('counts from the hello again in another session', () => {
    const network = new Network().open(RESUMABLE)
    const heard = hearing(network)
    network.line.say(n(1, 900))
    network.cut().open(NOT_RECOVERED, n(2, 500), n(3, 501))
    expect(heard).toEqual([1, 3])
    expect(network.cut().line.protocols[1]).toBe('partyline.resume.t9.501')
  })

  test('has arrived, though a callback throws', () => {
    const network = new Network().open(RESUMABLE)
    network.client.on('n', () => {
      throw new Error('mine')
    })
    network.line.say(n(1, 101))
    expect(network.cut().line.protocols[1]).toBe('partyline.resume.t1.101')
  })

  test('has positions only where the session can be resumed: elsewhere they mean nothing', () => {
    const network = new Network().open(HELLO)
    const heard = hearing(network)
    network.line.say(n(1, 5), n(2, 5), n(3, 4))
    expect(heard).toEqual([1, 2, 3])
    network.clock.advance(5_000)
    expect(network.line.sent()).toEqual([])
  })

  test('without a position, where others have one, is told', () => {
    const network = new Network().open(RESUMABLE)
    const heard = hearing(network)
    network.line.say('{"event":"n","data":1}', '{"event":"n","data":1}')
    expect(heard).toEqual([1, 1])
  })
})

describe('the server is told what has arrived', () => {
  test('a second after the first that it does not know of', () => {
    const network = new Network().open(RESUMABLE)
    network.line.say(n(1, 103))
    network.clock.advance(900)
    network.line.say(n(2, 108))
    network.clock.advance(99)
    expect(network.line.sent()).toEqual([])
    network.clock.advance(1)
    expect(network.line.sent()).toEqual(['{"received":108}'])
    network.clock.advance(10_000)
    expect(network.line.sent()).toEqual([])
    network.line.say(n(3, 109))
    network.clock.advance(1_000)
    expect(network.line.sent()).toEqual(['{"received":109}'])
  })

  test('after 32, acks and failures included', () => {
    const network = new Network().open(RESUMABLE)
    for (let i = 1; i <= 29; i++) network.line.say(n(i, 100 + i))
    network.line.say('{"ack":9,"data":1,"pos":130}', '{"ack":9,"error":{"code":"X","message":"x"},"pos":131}')
    network.line.say('{"pong":1}', n(29, 129))
    expect(network.line.sent()).toEqual([])
    network.line.say('{"error":{"code":"X","message":"x"},"pos":132}')
    expect(network.line.sent()).toEqual(['{"received":132}'])
    network.clock.advance(1_000)
    expect(network.line.sent()).toEqual([])
  })

  // An attempt that the client had given up could still reach the server after the next one, and take the session over with
  // the token before. Word on the new line makes that token void.
  test('at once on a line that goes on with a session, and on no other', () => {
    const network = new Network().open(RESUMABLE)
    expect(network.line.receipt).toBeUndefined()
    network.line.say(n(1, 101))
    network.cut().open(resumed(0))
    expect(network.line.receipt).toBe('{"received":101}')
    network.cut().open(RESUMABLE.replace('}}}', '},"recovered":false}}'))
    expect([network.line.receipt, network.line.sent()]).toEqual([undefined, []])
  })

  test('not again on the next line, which began with it', () => {
    const network = new Network().open(RESUMABLE)
    network.line.say(n(1, 101))
    network.line.end(1006)
    network.clock.advance(900)
    network.redial().open(resumed(0))
    network.clock.advance(5_000)
    expect(network.line.sent()).toEqual([])
  })
})

describe('what is sent', () => {
  test('has positions from 1 on: events, requests and no more', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a')
    void network.client.call('b', 1).catch(() => {})
    network.line.say('{"ping":1}')
    network.client.emit('c', 1, 2)
    expect(network.line.sent()).toEqual([
      '{"event":"a","args":[],"pos":1}',
      '{"event":"b","data":1,"id":1,"pos":2}',
      '{"pong":1}',
      '{"event":"c","args":[1,2],"pos":3}',
    ])
  })

  test('is sent again from where the server has it, as it was, and before anything newer', () => {
    const network = new Network().open(RESUMABLE)
    const data = { x: 1 }
    network.client.emit('a', data).emit('b', data).emit('c', data)
    network.line.say('{"received":1}')
    network.line.end(1006)
    data.x = 2
    network.client.emit('d', data)
    data.x = 3
    network.client.when('open', () => network.client.emit('f'))
    network.redial()
    network.client.emit('e')
    network.open(resumed(2))
    expect(network.line.sent()).toEqual([
      '{"event":"c","data":{"x":1},"pos":3}',
      '{"event":"d","data":{"x":2},"pos":4}',
      '{"event":"e","args":[],"pos":5}',
      '{"event":"f","args":[],"pos":6}',
    ])
  })

  test('is all sent again where the hello does not say what the server has', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a')
    network.cut().open(resumed(0).replace(',"received":0', ''))
    expect(network.line.sent()).toEqual(['{"event":"a","args":[],"pos":1}'])
  })

  test('may break again before it is acknowledged, and again', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a').emit('b')
    const frames = ['{"event":"a","args":[],"pos":1}', '{"event":"b","args":[],"pos":2}']
    for (let i = 2; i < 6; i++) {
      network.cut().open(resumed(0, `t${i}`))
      expect(network.line.sent()).toEqual(frames)
    }
    network.cut().open(resumed(2, 't7'))
    expect(network.line.sent()).toEqual([])
  })

  test('a position that the server cannot have is taken for all', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a')
    network.cut().open(resumed(99))
    network.client.emit('b')
    expect(network.line.sent()).toEqual(['{"event":"b","args":[],"pos":2}'])
  })
})

describe('a session that could not be resumed', () => {
  test('loses what was sent and is not known to have arrived, and says how much; what waited is sent in the next', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a').emit('b').emit('c')
    void network.client.call('d').catch(() => {})
    network.line.say('{"received":1}')
    network.line.end(1006)
    network.client.emit('e').emit('f')
    network.redial().open(NOT_RECOVERED)
    expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 2 }])
    expect(network.client.sid).toBe('s2')
    expect(network.line.sent()).toEqual([
      '{"event":"e","args":[],"pos":1}',
      '{"event":"f","args":[],"pos":2}',
    ])
    network.cut()
    network.open(resumed(2))
    expect(network.told.at(-1)).toEqual(['open', { recovered: true, lost: 0 }])
  })

  test('is over when its time is, and says so when there is a line again', () => {
    const network = new Network({ backoff: { min: 400_000, max: 400_000 } }).open(RESUMABLE)
    network.client.emit('a')
    network.line.end(1006)
    network.clock.advance(150_000)
    network.client.emit('b')
    network.clock.advance(50_000)
    network.open(RESUMABLE)
    expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 1 }])
    expect(network.line.sent()).toEqual(['{"event":"b","args":[],"pos":1}'])
  })

  test('may be followed by one that cannot be resumed, which has no positions', () => {
    const network = new Network().open(RESUMABLE)
    network.client.emit('a')
    network.line.end(1006)
    network.client.emit('b')
    network.redial().open(HELLO)
    network.client.emit('c')
    expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 1 }])
    expect(network.line.sent()).toEqual(['{"event":"b","args":[]}', '{"event":"c","args":[]}'])
    expect(network.cut().line.protocols).toEqual(['partyline.json.v1'])
  })

  test('is not recovered because a server says so of one that nobody asked for', () => {
    const network = new Network().open(resumed(5))
    expect(network.told).toEqual([['open', { recovered: false, lost: 0 }]])
    network.client.emit('a')
    expect(network.line.sent()).toEqual(['{"event":"a","args":[],"pos":1}'])
  })
})

test('a line that is dead is given up, and its session resumed on another', () => {
  const network = new Network().open(RESUMABLE)
  network.client.emit('a')
  network.line.sent()
  network.clock.advance(37_500)
  expect(network.line.closedWith).toEqual([4408, 'heartbeat lost'])
  const dead = network.line
  network.redial().open(resumed(0))
  expect(network.line.sent()).toEqual(['{"event":"a","args":[],"pos":1}'])
  dead.end(4409, 'taken over')
  expect(network.client.state).toBe('open')
})

test('a client that is closed leaves nothing of its session behind', () => {
  const network = new Network().open(RESUMABLE)
  network.client.emit('a')
  network.line.say(n(1, 101))
  network.line.end(1006)
  network.client.close()
  expect(network.clock.timers).toBe(0)
})
