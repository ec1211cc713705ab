import { describe, expect, test } from 'bun:test'
import { LOG } from '../../apps/chat/log.ts'
import { until } from '../support/until.ts'
import { ChatHouse, failure } from './chat-house.ts'

const house = new ChatHouse([{ provide: LOG, useValue: () => {} }])

describe('signing in', () => {
  test('comes first: everything else is refused, whatever its data, and does nothing', async () => {
    const ada = await house.person('Ada', 'tea')
    const stranger = await house.client()
    expect(
      await stranger.after([
        '{"event":"rename","data":{"name":"Eve"},"id":1}',
        '{"event":"join","data":{"room":"tea"},"id":2}',
        '{"event":"leave","data":{"room":"tea"},"id":3}',
        '{"event":"say","data":{"room":"tea","text":"boo"},"id":4}',
        '{"event":"who","data":{"room":"tea"},"id":5}',
        '{"event":"say","id":6}',
        '{"event":"say","data":{"room":"tea","text":"boo"}}',
      ]),
    ).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((id) => ({
        ack: id,
        error: {
          code: 'NOT_SIGNED_IN',
          message: 'sign in first: send "sign_in" with {"name": your name}',
        },
      })),
      { error: { code: 'NOT_SIGNED_IN', message: expect.stringContaining('sign_in'), event: 'say' } },
    ])
    await ada.hasHeardNothing()
  })

  test('is answered with the name as it is kept: trimmed, and in one spelling', async () => {
    const zoe = await house.client()
    expect(await zoe.after(['{"event":"sign_in","data":{"name":"  Zoe\\u0301 "},"id":1}'])).toEqual([
      { ack: 1, data: { name: 'Zo\u00e9' } },
    ])
    const other = await house.client()
    expect(await other.after(['{"event":"sign_in","data":{"name":"Zo\\u00e9"},"id":1}'])).toEqual([
      failure(1, 'NAME_TAKEN'),
    ])
  })

  test('happens once', async () => {
    const ada = await house.person('Ada')
    expect(await ada.after(['{"event":"sign_in","data":{"name":"Eve"},"id":2}'])).toEqual([
      failure(2, 'ALREADY_SIGNED_IN'),
    ])
    const eve = await house.client()
    expect(await eve.after(['{"event":"sign_in","data":{"name":"Eve"},"id":1}'])).toEqual([
      { ack: 1, data: { name: 'Eve' } },
    ])
  })

  test('takes no name that somebody has, and any that is free again', async () => {
    const ada = await house.person('Ada')
    const eve = await house.client()
    const asAda = '{"event":"sign_in","data":{"name":"Ada"},"id":1}'
    expect(await eve.after([asAda])).toEqual([failure(1, 'NAME_TAKEN')])
    await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])
    expect(await eve.after([asAda])).toEqual([{ ack: 1, data: { name: 'Ada' } }])

    ada.socket.close()
    const third = await house.client()
    await until(async () => {
      const [answer] = await third.after(['{"event":"sign_in","data":{"name":"Ada L."},"id":1}'])
      return (answer as { data?: object }).data !== undefined
    }, 'the name of who has gone to be free')
  })
})

describe('in rooms', () => {
  test('everybody in the room hears who comes, speaks and leaves; nobody else does', async () => {
    const timestamp = expect.any(Number)
    const ada = await house.person('Ada', 'tea')
    const cid = await house.person('Cid', 'garden')
    const bob = await house.person('Bob')

    const joined = { event: 'joined', data: { room: 'tea', name: 'Bob' } }
    expect(await bob.after(['{"event":"join","data":{"room":" tea "},"id":2}'], 2)).toEqual([
      joined,
      { ack: 2 },
    ])
    expect(await ada.next(1)).toEqual([joined])

    const before = Date.now()
    const said = { event: 'said', data: { room: 'tea', name: 'Bob', text: 'hi', timestamp } }
    const [heard, ack] = await bob.after(['{"event":"say","data":{"room":"tea","text":" hi\\n"},"id":3}'], 2)
    expect([heard, ack]).toEqual([said, { ack: 3 }])
    expect((heard as typeof said).data.timestamp).toBeWithin(before, Date.now() + 1)
    expect(await ada.next(1)).toEqual([said])

    const left = { event: 'left', data: { room: 'tea', name: 'Bob' } }
    expect(await bob.after(['{"event":"leave","data":{"room":"tea"},"id":4}'], 2)).toEqual([left, { ack: 4 }])
    expect(await ada.next(1)).toEqual([left])
    await ada.after(['{"event":"say","data":{"room":"tea","text":"gone?"},"id":5}'], 2)
    await bob.hasHeardNothing()
    await cid.hasHeardNothing()
  })

  test('a new name is told once in each room, with the old one', async () => {
    const ada = await house.person('Ada', 'tea', 'garden')
    const bob = await house.person('Bob', 'tea', 'garden')
    const cid = await house.person('Cid', 'attic')
    await ada.next(2)
    const renamed = ['tea', 'garden'].map((room) => ({
      event: 'renamed',
      data: { room, name: 'Ada L.', was: 'Ada' },
    }))
    expect(await ada.after(['{"event":"rename","data":{"name":" Ada L. "},"id":2}'], 3)).toEqual([
      ...renamed,
      { ack: 2, data: { name: 'Ada L.' } },
    ])
    expect(await bob.next(2)).toEqual(renamed)
    expect(await ada.after(['{"event":"rename","data":{"name":"Ada L."},"id":3}'])).toEqual([
      { ack: 3, data: { name: 'Ada L.' } },
    ])
    expect(await bob.after(['{"event":"rename","data":{"name":"Ada L."},"id":2}'])).toEqual([
      failure(2, 'NAME_TAKEN'),
    ])
    expect(await bob.after(['{"event":"who","data":{"room":"tea"},"id":3}'])).toEqual([
      { ack: 3, data: { names: ['Ada L.', 'Bob'] } },
    ])
    await cid.hasHeardNothing()
  })

  test('who is there can be asked from outside, and nobody is where nobody is', async () => {
    await house.person('Ada', 'tea')
    await house.person('Bob', 'tea')
    const cid = await house.person('Cid')
    expect(
      await cid.after([
        '{"event":"who","data":{"room":"tea"},"id":2}',
        '{"event":"who","data":{"room":"constructor"},"id":3}',
      ]),
    ).toEqual([
      { ack: 2, data: { names: ['Ada', 'Bob'] } },
      { ack: 3, data: { names: [] } },
    ])
  })

  test('one joins before one speaks or leaves, and joins once', async () => {
    const ada = await house.person('Ada', 'tea')
    const bob = await house.person('Bob')
    expect(
      await bob.after([
        '{"event":"say","data":{"room":"tea","text":"hi"},"id":2}',
        '{"event":"leave","data":{"room":"tea"},"id":3}',
      ]),
    ).toEqual([failure(2, 'NOT_IN_ROOM'), failure(3, 'NOT_IN_ROOM')])
    expect(await ada.after(['{"event":"join","data":{"room":"tea"},"id":4}'])).toEqual([
      failure(4, 'ALREADY_IN_ROOM'),
    ])
    await ada.hasHeardNothing()
  })

  test('a person is in 50 of them at most', async () => {
    const rooms = Array.from({ length: 50 }, (_, i) => `room ${i}`)
    const ada = await house.person('Ada', ...rooms)
    expect(await ada.after(['{"event":"join","data":{"room":"one more"},"id":2}'])).toEqual([
      failure(2, 'OVERLOADED'),
    ])
    expect(await ada.after(['{"event":"who","data":{"room":"one more"},"id":3}'])).toEqual([
      { ack: 3, data: { names: [] } },
    ])
  })

  test('who closes the connection has left all of them', async () => {
    const ada = await house.person('Ada', 'tea', 'garden')
    const bob = await house.person('Bob', 'tea', 'garden')
    const cid = await house.person('Cid', 'attic')
    await ada.next(2)
    bob.socket.close()
    expect(await ada.next(2)).toEqual([
      { event: 'left', data: { room: 'tea', name: 'Bob' } },
      { event: 'left', data: { room: 'garden', name: 'Bob' } },
    ])
    await cid.hasHeardNothing()
  })

  test('what is said has a position, which rises; who cannot come back need not look at it', async () => {
    const ada = await house.person('Ada', 'tea')
    for (const id of [2, 3])
      await ada.after([`{"event":"say","data":{"room":"tea","text":"hi"},"id":${id}}`], 2)
    const [first, second] = ada.positions as number[]
    expect(ada.positions).toHaveLength(2)
    expect(second).toBeGreaterThan(first!)
  })
})
