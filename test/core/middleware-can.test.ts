import { afterEach, describe, expect, test } from 'bun:test'
import {
  type AnyMiddleware,
  type EventCall,
  Gateway,
  type Next,
  On,
  PartylineError,
  type Socket,
  Use,
} from 'partyline'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

describe('middleware can', () => {
  async function ask(layer: AnyMiddleware, frame = '{"event":"double","data":2,"id":1}') {
    let failures = 2

    @Gateway('/sums')
    class Sums {
      @Use(layer) @On() double(_: Socket, n: number, ...rest: number[]) {
        notes.push(`double ${[n, ...rest]}`)
        return n * 2
      }

      @Use(layer) @On('later') async later(_: Socket, n: number) {
        notes.push('later')
        return n * 2
      }

      @Use(layer) @On() fragile() {
        notes.push('fragile')
        if (failures-- > 0) throw new RangeError('not yet')
        return 'at last'
      }
    }

    const { connect } = await start(Sums)
    return (await connect('/sums')).ask(frame)
  }

  test('measure: what is done is done when next has returned, or its promise has', async () => {
    const timed = async (_: EventCall, next: Next) => {
      const result = await next()
      notes.push('measured')
      return result
    }
    expect(await ask(timed, '{"event":"later","data":2,"id":1}')).toBe('{"ack":1,"data":4}')
    expect(notes).toEqual(['later', 'measured'])
  })

  test('change the arguments, one or several', async () => {
    const one = (call: EventCall, next: Next) => {
      call.data = 5
      return next()
    }
    const several = (call: EventCall, next: Next) => {
      call.args = [7, ...call.args]
      return next()
    }
    expect(await ask(one)).toBe('{"ack":1,"data":10}')
    expect(await ask(several)).toBe('{"ack":1,"data":14}')
    expect(notes).toEqual(['double 5', 'double 7,2'])
  })

  test('change the answer, and answer with nothing', async () => {
    expect(await ask((_, next) => ({ answer: next() }))).toBe('{"ack":1,"data":{"answer":4}}')
    expect(await ask((_, next) => void next())).toBe('{"ack":1}')
  })

  test('answer in place of the handler', async () => {
    expect(await ask(() => 'cached')).toBe('{"ack":1,"data":"cached"}')
    expect(await ask(async () => 'cached later')).toBe('{"ack":1,"data":"cached later"}')
    expect(notes).toEqual([])
  })

  test('try again by calling next again', async () => {
    const retrying = (_: EventCall, next: Next) => {
      for (;;) {
        try {
          return next()
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
        }
      }
    }
    expect(await ask(retrying, '{"event":"fragile","id":1}')).toBe('{"ack":1,"data":"at last"}')
    expect(notes).toEqual(['fragile', 'fragile', 'fragile'])
  })

  test('catch what the handler throws, and translate it', async () => {
    const catching = (_: EventCall, next: Next) => {
      try {
        return next()
      } catch (error) {
        throw new PartylineError('TOO_EARLY', (error as Error).message)
      }
    }
    expect(await ask(catching, '{"event":"fragile","id":1}')).toBe(
      '{"ack":1,"error":{"code":"TOO_EARLY","message":"not yet"}}',
    )
    const soothing = async (_: EventCall, next: Next) => {
      try {
        return await next()
      } catch {
        return 'never mind'
      }
    }
    expect(await ask(soothing, '{"event":"fragile","id":1}')).toBe('{"ack":1,"data":"never mind"}')
  })
})
