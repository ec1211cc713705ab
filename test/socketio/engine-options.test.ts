import { expect, test } from 'bun:test'
import { type EngineOptions, engineProblems, engineRules } from '../../lib/socketio/engine/options.ts'

const problemsOf = (options: EngineOptions) => engineProblems(engineRules(options))

test('the defaults are in order, and undefined stands for them', () => {
  expect(problemsOf({})).toEqual([])
  expect(engineRules({ pingInterval: undefined }).pingInterval).toBe(25_000)
  expect(problemsOf({ maxPackets: Number.POSITIVE_INFINITY, maxSessions: Number.POSITIVE_INFINITY })).toEqual(
    [],
  )
})

test.each([
  [{ pingInterval: 0 }, 'pingInterval is 0: it is a whole number from 1 to 2147483647.'],
  [
    { pingTimeout: Number.POSITIVE_INFINITY },
    'pingTimeout is Infinity: it is a whole number from 1 to 2147483647.',
  ],
  [{ maxPayload: 1.5 }, 'maxPayload is 1.5: it is a whole number from 1 to 2147483647.'],
  [{ path: 'socket.io' }, 'path is "socket.io": it begins with "/".'],
  [{ transports: [] }, 'transports is empty: name "polling", "websocket" or both.'],
  [{ transports: ['tcp' as 'polling'] }, 'transports names tcp: there are "polling" and "websocket".'],
])('%p is told of', (options, problem) => {
  expect(problemsOf(options)).toEqual([problem])
})
