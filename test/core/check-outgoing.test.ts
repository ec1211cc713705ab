import { afterEach, describe, expect, test } from 'bun:test'
import { event, Gateway, GatewayContext, On, PartylineError, type Socket } from 'partyline'
import { z } from 'zod'
import { taggedMethods } from '../../lib/decorators/tags.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

describe('what the server sends', () => {
  const count = event('count', { data: z.unknown(), reply: z.object({ guests: z.number() }) })
  const counted = event('counted', { data: z.object({ guests: z.number() }) })
  const moved = event('moved', { args: z.tuple([z.number(), z.number()]) })

  @Gateway('/chat')
  class Chat {
    constructor(readonly chat: GatewayContext) {}

    @On(count) count(_: Socket, guests: unknown) {
      return { guests: guests as number }
    }

    @On('count later') later(_: Socket, guests: unknown) {
      return Promise.resolve({ guests })
    }

    @On() toAll(_: Socket, guests: number) {
      this.chat.emit(counted, { guests })
    }

    @On() toOne(socket: Socket, guests: number) {
      socket.emit(counted, { guests })
    }

    @On() move(socket: Socket, ...at: number[]) {
      socket.emit(moved, ...(at as [number, number]))
    }
  }
  // Of another event's shape, to answer it later.
  const tag = taggedMethods(Chat).find(({ name }) => name === 'later')?.tag
  if (tag?.kind === 'event') tag.shape = count.shape

  // The caller was told INVALID_DATA, as if what it had sent were wrong.
  test.each([
    ['a reply', '{"event":"count","data":"five","id":1}', 'the reply is not what its schema says: guests: '],
    [
      'a promised reply',
      '{"event":"count later","data":"five","id":1}',
      'the reply is not what its schema says: ',
    ],
    [
      'an event to one',
      '{"event":"toOne","data":"five","id":1}',
      'emit of "counted" with what its schema refuses: ',
    ],
    [
      'an event to all',
      '{"event":"toAll","data":"five","id":1}',
      'emit of "counted" with what its schema refuses: ',
    ],
    [
      'several arguments',
      '{"event":"move","args":[1,"2"],"id":1}',
      'emit of "moved" with what its schema refuses: 1: ',
    ],
  ])('%s that does not fit is a mistake of the server: masked, and logged', async (_, frame, reason) => {
    const { connect, logged } = await start(Chat, { checkOutgoing: true })
    const client = await connect('/chat')
    expect(await client.ask(frame)).toBe(
      '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
    )
    const [entry, ...others] = logged()
    expect(others).toEqual([])
    const error = entry?.error as Error
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toStartWith(reason)
    expect(await client.flushed()).toEqual([])
  })

  test('is sent as it was given where it fits, and unchecked where the app does not ask for it', async () => {
    const { connect } = await start(Chat, { checkOutgoing: true })
    const client = await connect('/chat')
    expect(await client.ask('{"event":"count","data":5,"id":1}')).toBe('{"ack":1,"data":{"guests":5}}')
    expect(await client.ask('{"event":"toAll","data":5}')).toBe('{"event":"counted","data":{"guests":5}}')
    expect(await client.ask('{"event":"move","args":[1,2]}')).toBe('{"event":"moved","args":[1,2]}')

    const unchecked = await start(Chat, { checkOutgoing: false })
    const other = await unchecked.connect('/chat')
    expect(await other.ask('{"event":"count","data":"five","id":1}')).toBe(
      '{"ack":1,"data":{"guests":"five"}}',
    )
    expect(await other.ask('{"event":"toOne","data":"five"}')).toBe(
      '{"event":"counted","data":{"guests":"five"}}',
    )
  })

  test('an error in place of a reply is not held against its schema', async () => {
    @Gateway('/chat')
    class Full {
      @On(count) count(): { guests: number } {
        throw new PartylineError('FULL', 'come back later')
      }
    }

    const { connect } = await start(Full, { checkOutgoing: true })
    expect(await (await connect('/chat')).ask('{"event":"count","id":1}')).toBe(
      '{"ack":1,"error":{"code":"FULL","message":"come back later"}}',
    )
  })
})
