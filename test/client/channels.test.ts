import { describe, expect, test } from 'bun:test'
import { channels } from 'partyline/client'
import { msgpack } from 'partyline/msgpack'
import { nextTurn } from '../support/until.ts'
import { HELLO, Network, outcomeOf, RESUMABLE, resumed } from './network.ts'

/** A client with a line, its channels, and what they told. */
function house(options = {}, hello?: string) {
  const network = new Network(options).open(hello)
  const heard: unknown[] = []
  const hear = (data: unknown, { channel, at }: { channel: string; at: number | undefined }) =>
    heard.push([channel, data, at])
  const lost = ({ channel, at }: { channel: string; at: number | undefined }) =>
    heard.push([channel, 'lost', at])
  return { network, all: channels(network.client), heard, hear, lost }
}

test('the channels of a client are always the same', () => {
  const { client } = new Network()
  expect(channels(client)).toBe(channels(client))
  expect(channels(new Network().client)).not.toBe(channels(client))
})

describe('subscribing', () => {
  test('waits for a line, is told what the server says, and gets what comes', async () => {
    const network = new Network()
    const heard: unknown[] = []
    const all = channels(network.client)
    const { ready } = all.subscribe('broadcast', (data, place) => heard.push([data, place]))
    network.open()
    expect(network.line.sent()).toEqual(['{"subscribe":"broadcast","id":1}'])
    expect(await outcomeOf(ready)).toBe('waits')
    network.line.say(
      '{"ack":1,"data":{"channels":["broadcast"],"at":[16]}}',
      '{"channel":"broadcast","data":{"n":1},"at":17}',
      '{"channel":"broadcast","data":"bare"}',
      '{"channel":"user","data":"of another","at":30}',
    )
    expect(await ready).toEqual(['broadcast'])
    expect(heard).toEqual([
      [{ n: 1 }, { channel: 'broadcast', at: 17 }],
      ['bare', { channel: 'broadcast', at: undefined }],
    ])
  })

  test('what is not above the last position of its channel is dropped', () => {
    const { network, all, heard, hear } = house()
    all.subscribe('group', hear)
    for (const [group, at] of [
      ['ops', 5],
      ['staff', 3],
      ['ops', 5],
      ['ops', 4],
      ['staff', 4],
      ['ops', 9],
    ])
      network.line.say(`{"channel":"group:${group}","data":0,"at":${at}}`)
    expect(heard).toEqual([
      ['group:ops', 0, 5],
      ['group:staff', 0, 3],
      ['group:staff', 0, 4],
      ['group:ops', 0, 9],
    ])
  })

  test('bytes come as bytes, in JSON and in MessagePack', () => {
    const { network, all, heard, hear } = house()
    all.subscribe('user', hear)
    network.line.say('{"channel":"user","base64":"AP8B","at":1}')
    expect(heard).toEqual([['user', new Uint8Array([0, 255, 1]), 1]])

    const codec = msgpack()
    const packed = new Network({ codec })
    packed.line.open()
    const say = (frame: object) =>
      packed.line.say((codec.encode(frame as never) as Uint8Array).slice().buffer as ArrayBuffer)
    say({ hello: { sid: 's', heartbeat: 1_000 } })
    channels(packed.client).subscribe('user', hear)
    say({ channel: 'user', data: new Uint8Array([7]), at: 1 })
    expect(heard[1]).toEqual(['user', new Uint8Array([7]), 1])
  })

  test('from a position on, and what is lost is told', () => {
    const { network, all, heard, hear, lost } = house()
    all.subscribe('broadcast', hear, { after: 17, lost })
    expect(network.line.sent()).toEqual(['{"subscribe":"broadcast","after":17,"id":1}'])
    network.line.say(
      '{"channel":"broadcast","data":"old","at":17}',
      '{"channel":"broadcast","at":20,"lost":true}',
      '{"ack":1,"data":{"channels":["broadcast"],"at":[20]}}',
      '{"channel":"broadcast","data":"new","at":21}',
      // The channel began anew, below.
      '{"channel":"broadcast","at":2,"lost":true}',
      '{"channel":"broadcast","data":"newer","at":3}',
    )
    expect(heard).toEqual([
      ['broadcast', 'lost', 20],
      ['broadcast', 'new', 21],
      ['broadcast', 'lost', 2],
      ['broadcast', 'newer', 3],
    ])
  })

  test('several callbacks are one subscription, and one that throws holds up no other', async () => {
    const { network, all, heard, hear } = house()
    const first = all.subscribe('broadcast', () => {
      throw new Error('mine')
    })
    const second = all.subscribe('broadcast', hear)
    expect(network.line.sent()).toEqual(['{"subscribe":"broadcast","id":1}'])
    network.line.say('{"channel":"broadcast","data":1,"at":1}')
    await nextTurn()
    expect(heard).toHaveLength(1)
    expect(network.errors).toEqual([[new Error('mine'), 'broadcast']])
    first.unsubscribe()
    first.unsubscribe()
    expect(network.line.sent()).toEqual([])
    second.unsubscribe()
    expect(network.line.sent()).toEqual(['{"unsubscribe":"broadcast"}'])
    network.line.say('{"channel":"broadcast","data":2,"at":2}')
    expect(heard).toHaveLength(1)
  })

  test('who is ended by one callback is not called by the same message', () => {
    const { network, all, heard, hear } = house()
    all.subscribe('broadcast', () => second.unsubscribe())
    const second = all.subscribe('broadcast', hear)
    network.line.say('{"channel":"broadcast","data":1,"at":1}')
    expect(heard).toEqual([])
  })

  test('is over where the server refuses it, and may begin again', async () => {
    const { network, all, heard, hear } = house()
    const refused = all.subscribe('group:ops', hear)
    network.line.sent()
    network.line.say('{"ack":1,"error":{"code":"FORBIDDEN","message":"no"}}')
    expect(await outcomeOf(refused.ready)).toEqual({ code: 'FORBIDDEN' })
    expect(network.errors).toMatchObject([[{ code: 'FORBIDDEN' }]])
    network.cut().open()
    expect(network.line.sent()).toEqual([])
    all.subscribe('group:ops', hear)
    expect(network.line.sent()).toEqual(['{"subscribe":"group:ops","id":2}'])
    refused.unsubscribe()
    expect(network.line.sent()).toEqual([])
    network.line.say('{"channel":"group:ops","data":1,"at":1}')
    expect(heard).toHaveLength(1)
  })

  test('is tried again where that may help, later each time', async () => {
    const { network, all, hear } = house()
    const { ready } = all.subscribe('user', hear)
    for (const [i, wait] of [250, 500, 1_000].entries()) {
      expect(network.line.sent()).toEqual([`{"subscribe":"user","id":${i + 1}}`])
      network.line.say(`{"ack":${i + 1},"error":{"code":"RATE_LIMITED","message":"later"}}`)
      await nextTurn()
      network.clock.advance(wait - 1)
      expect(network.line.sent()).toEqual([])
      network.clock.advance(1)
    }
    network.line.end(1006)
    network.redial().open()
    expect(network.line.sent()).toEqual(['{"subscribe":"user","id":5}'])
    network.clock.advance(4_000)
    expect(network.line.sent()).toEqual([])
    expect(await outcomeOf(ready)).toBe('waits')
    expect(network.errors).toEqual([])
  })

  test('ends with the client, and so does one that begins afterwards', async () => {
    const { network, all, hear } = house()
    const { ready } = all.subscribe('user', hear)
    network.client.close()
    expect(await outcomeOf(ready)).toEqual({ code: 'DISCONNECTED' })
    expect(await outcomeOf(all.subscribe('broadcast', hear).ready)).toEqual({ code: 'DISCONNECTED' })
    expect(network.errors).toEqual([])
  })
})

describe('after the line broke', () => {
  test.each([
    ['a new session', HELLO, HELLO],
    ['a session that goes on', RESUMABLE, resumed(0)],
  ])('in %s all is asked again, from the last position on', async (_, hello, next) => {
    const { network, all, heard, hear } = house({}, hello)
    all.subscribe('broadcast', hear)
    all.subscribe('user', hear)
    all.subscribe('session', hear)
    network.line.sent()
    network.line.say(
      '{"ack":1,"data":{"channels":["broadcast"],"at":[40]}}',
      '{"ack":2,"data":{"channels":["user"],"at":[7]}}',
      '{"channel":"broadcast","data":1,"at":41}',
    )
    await nextTurn()
    network.cut().open(next)
    // Of the last there was no answer: what is kept comes first, as if for the first time.
    expect(network.line.sent()).toEqual([
      '{"subscribe":"broadcast","after":41,"id":4}',
      '{"subscribe":"user","after":7,"id":5}',
      '{"subscribe":"session","id":6}',
    ])
    network.line.say('{"channel":"broadcast","data":1,"at":41}', '{"channel":"broadcast","data":2,"at":42}')
    network.line.say('{"ack":4,"data":{"channels":["broadcast"],"at":[42]}}')
    expect(heard).toEqual([
      ['broadcast', 1, 41],
      ['broadcast', 2, 42],
    ])
    expect(network.errors).toEqual([])
  })

  describe('and the url asks for the channel, too', () => {
    /** A client that is asking where it was, which was after 41, on its second line. */
    function back() {
      const parts = house()
      const { network, all, hear, lost } = parts
      const { ready } = all.subscribe('broadcast', hear, { lost })
      network.line.say('{"ack":1,"data":{"channels":["broadcast"],"at":[41]}}')
      network.cut().open()
      expect(network.line.sent()).toEqual(['{"subscribe":"broadcast","after":41,"id":2}'])
      const say = (...frames: (number | string)[]) =>
        network.line.say(
          ...frames.map((one) =>
            typeof one === 'string' ? one : `{"channel":"broadcast","data":${one},"at":${one}}`,
          ),
        )
      return { ...parts, ready, say }
    }
    const granted = '{"ack":2,"data":{"channels":["broadcast"],"at":[44]}}'
    const gone = (at: number) => `{"channel":"broadcast","lost":true,"at":${at}}`
    const told = (...ats: number[]) => ats.map((at) => ['broadcast', at, at])

    test('what comes before it begins anew is not taken for all there is', () => {
      const { say, heard } = back()
      // The retained message, and a new one; then all of it, from where the client was.
      say(43, 44, 42, 43, 43, 44)
      expect(heard).toEqual([])
      say(granted, 45)
      expect(heard).toEqual(told(42, 43, 44, 45))
    })

    test('what is lost is told once, and what has no position at once', () => {
      const { say, heard } = back()
      say(gone(43), 44, '{"channel":"broadcast","data":"bare"}', gone(43), 44)
      expect(heard).toEqual([['broadcast', 'bare', undefined]])
      say(granted, 45)
      expect(heard.slice(1)).toEqual([['broadcast', 'lost', 43], ...told(44, 45)])
    })

    test('a line that breaks before it begins anew changes nothing', () => {
      const { network, say, heard } = back()
      say(44)
      network.cut().open()
      expect(network.line.sent()).toEqual(['{"subscribe":"broadcast","after":41,"id":3}'])
      say(44, 42, 43, 44, granted.replace('2', '3'), 45)
      expect(heard).toEqual(told(42, 43, 44, 45))
    })

    test('one that is asked for anew, elsewhere, waits for that answer', () => {
      const { all, network, say, heard, hear } = back()
      const again = all.subscribe('group:a', hear, { after: 20 })
      again.unsubscribe()
      all.subscribe('group:a', hear, { after: 10 })
      const message = (at: number) => `{"channel":"group:a","data":${at},"at":${at}}`
      expect(network.line.sent().at(-1)).toBe('{"subscribe":"group:a","after":10,"id":4}')
      say(message(21), '{"ack":3,"data":{"channels":["group:a"],"at":[21]}}')
      expect(heard).toEqual([])
      say(message(11), message(21), '{"ack":4,"data":{"channels":["group:a"],"at":[21]}}')
      expect(heard).toEqual([11, 21].map((at) => ['group:a', at, at]))
    })

    test('where the answer refuses it, those who have it besides hear it', async () => {
      const { all, network, say, heard } = withGroups()
      all.subscribe('group:a', () => {})
      expect(network.line.sent()).toEqual(['{"subscribe":"group:a","after":4,"id":2}'])
      say(5)
      expect(heard).toEqual([])
      network.line.say('{"ack":2,"error":{"code":"FORBIDDEN","message":"no"}}')
      await nextTurn()
      expect(heard).toEqual([['group:a', 5, 5]])
      say(6)
      expect(heard).toHaveLength(2)
    })

    /** A client that has all groups. */
    function withGroups() {
      const parts = house()
      parts.all.subscribe('group', parts.hear)
      parts.network.line.sent()
      parts.network.line.say('{"ack":1,"data":{"channels":["group:a"],"at":[4]}}')
      const say = (at: number) => parts.network.line.say(`{"channel":"group:a","data":${at},"at":${at}}`)
      return { ...parts, say }
    }
  })

  test('each group goes on from its own position, and the others follow', async () => {
    const { network, all, hear } = house()
    const { ready } = all.subscribe('group', hear)
    network.line.say(
      '{"ack":1,"data":{"channels":["group:a","group:b"],"at":[4,9]}}',
      '{"channel":"group:b","data":1,"at":10}',
    )
    expect(await ready).toEqual(['group:a', 'group:b'])
    network.cut().open()
    expect(network.line.sent()).toEqual([
      '{"subscribe":"group:a","after":4,"id":2}',
      '{"subscribe":"group:b","after":10,"id":3}',
    ])
    network.line.say(
      '{"ack":2,"data":{"channels":["group:a"]}}',
      '{"ack":3,"error":{"code":"FORBIDDEN","message":"not yours any more"}}',
    )
    await nextTurn()
    expect(network.line.sent()).toEqual(['{"subscribe":"group","id":4}'])
    network.line.say('{"ack":4,"data":{"channels":["group:a","group:c"],"at":[4,1]}}')
    await nextTurn()
    network.cut().open()
    expect(network.line.sent()).toEqual([
      '{"subscribe":"group:a","after":4,"id":5}',
      '{"subscribe":"group:c","after":1,"id":6}',
    ])
    expect(network.errors).toEqual([])
  })

  test('it is asked after the app has heard of the line, and once', () => {
    const network = new Network()
    const all = channels(network.client)
    all.subscribe('user', () => {})
    network.client.when('open', () => {
      network.client.emit('enter')
      all.subscribe('broadcast', () => {})
    })
    network.open()
    expect(network.line.sent()).toEqual([
      '{"event":"enter","args":[]}',
      '{"subscribe":"user","id":1}',
      '{"subscribe":"broadcast","id":2}',
    ])
  })

  test('an answer that was on the way is for nobody', async () => {
    const { network, all, hear } = house({}, RESUMABLE)
    const { ready } = all.subscribe('user', hear)
    network.cut().open(resumed(0), '{"ack":1,"data":{"channels":["user"],"at":[7]},"pos":101}')
    expect(network.line.sent()).toEqual(['{"subscribe":"user","id":2}'])
    expect(await outcomeOf(ready)).toBe('waits')
    network.line.say('{"ack":2,"data":{"channels":["user"],"at":[9]}}')
    expect(await ready).toEqual(['user'])
  })

  test('all groups that are given up before they were asked for anew are not', async () => {
    const { network, all, hear } = house()
    const every = all.subscribe('group', hear)
    network.line.say('{"ack":1,"data":{"channels":["group:a"],"at":[4]}}')
    await every.ready
    network.cut().open()
    network.line.sent()
    every.unsubscribe()
    network.line.say('{"ack":2,"data":{"channels":["group:a"]}}')
    await nextTurn()
    expect(network.line.sent()).toEqual(['{"unsubscribe":"group"}'])
  })

  test('callbacks of the app for states can all be taken away: the channels go on', () => {
    const { network, all, hear } = house()
    all.subscribe('user', hear)
    network.client.forget('open').forget('reconnecting').forget('closed')
    network.cut().open()
    expect(network.line.sent()).toEqual(['{"subscribe":"user","id":2}'])
  })
})

describe('groups, all and one', () => {
  test('one that is given up goes on with all, and goes on alone where all are given up', () => {
    const { network, all, heard, hear } = house()
    const one = all.subscribe('group:a', hear)
    const every = all.subscribe('group', hear)
    network.line.sent()
    network.line.say('{"channel":"group:a","data":1,"at":5}')
    expect(heard).toHaveLength(2)
    one.unsubscribe()
    expect(network.line.sent()).toEqual([])
    network.line.say('{"channel":"group:a","data":1,"at":6}')
    expect(heard).toHaveLength(3)
    all.subscribe('group:a', hear)
    network.line.sent()
    every.unsubscribe()
    expect(network.line.sent()).toEqual([
      '{"unsubscribe":"group"}',
      '{"subscribe":"group:a","after":6,"id":4}',
    ])
  })
})

describe('publishing', () => {
  test('with and without an answer', async () => {
    const { network, all } = house()
    all.publish('broadcast', { n: 1 }).publish('user')
    const answer = all.publishWithAck('group:ops', 'hi')
    expect(network.line.sent()).toEqual([
      '{"publish":"broadcast","data":{"n":1}}',
      '{"publish":"user"}',
      '{"publish":"group:ops","data":"hi","id":1}',
    ])
    network.line.say('{"ack":1}')
    expect(await outcomeOf(answer)).toEqual({ value: undefined })
    const refused = all.publishWithAck('user', 1)
    network.line.say('{"ack":2,"error":{"code":"FORBIDDEN","message":"no"}}')
    expect(await outcomeOf(refused)).toEqual({ code: 'FORBIDDEN' })
  })

  test('waits for a line as events do, in their order', async () => {
    const network = new Network()
    const all = channels(network.client)
    network.client.emit('a')
    all.publish('broadcast', 1)
    const answer = all.publishWithAck('broadcast', 2)
    const late = all.publishWithAck('broadcast', 3, { timeout: 100 })
    network.client.emit('b')
    network.clock.advance(100)
    expect(await outcomeOf(late)).toEqual({ code: 'TIMEOUT' })
    network.open()
    expect(network.line.sent()).toEqual([
      '{"event":"a","args":[]}',
      '{"publish":"broadcast","data":1}',
      '{"publish":"broadcast","data":2,"id":1}',
      '{"event":"b","args":[]}',
    ])
    network.line.end(1006)
    expect(await outcomeOf(answer)).toEqual({ code: 'DISCONNECTED' })
    network.redial().open()
    expect(network.line.sent()).toEqual([])
  })

  test('has a position where the session can be resumed, and is sent again until it arrived', () => {
    const { network, all } = house({}, RESUMABLE)
    network.client.emit('a')
    all.publish('broadcast', 1)
    void all.publishWithAck('broadcast', 2).catch(() => {})
    network.cut().open(resumed(1))
    expect(network.line.sent()).toEqual([
      '{"publish":"broadcast","data":1,"pos":2}',
      '{"publish":"broadcast","data":2,"id":1,"pos":3}',
    ])
  })

  test('what may not have arrived in a session that is over is counted as lost', () => {
    const { network, all } = house({}, RESUMABLE)
    all.publish('broadcast', 1).publish('broadcast', 2)
    network
      .cut()
      .open(
        '{"hello":{"sid":"s2","heartbeat":25000,"recovery":{"token":"t9","window":120000,"pos":500},"recovered":false}}',
      )
    expect(network.told.at(-1)).toEqual(['open', { recovered: false, lost: 2 }])
    expect(network.line.sent()).toEqual([])
  })

  test('throws, or rejects, where nothing can be sent', async () => {
    const { network, all } = house()
    expect(() => all.publish('broadcast', new Uint8Array(1))).toThrow(TypeError)
    network.client.close()
    expect(() => all.publish('broadcast', 1)).toThrow('the client is closed')
    expect(await outcomeOf(all.publishWithAck('broadcast', 1))).toEqual({ code: 'DISCONNECTED' })
  })
})
