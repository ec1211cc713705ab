import { afterEach, describe, expect, test } from 'bun:test'
import { type } from 'arktype'
import { event, Gateway, On, OnAny, type Schema, type Socket, type SocketEvent } from 'partyline'
import * as v from 'valibot'
import { z } from 'zod'
import { Handler } from '../../lib/core/handler.ts'
import { taggedMethods } from '../../lib/decorators/tags.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What handlers were called with, in order. */
const notes: unknown[] = []
afterEach(() => void notes.splice(0))

/** A gateway with one event of that shape, which notes what it gets and answers it. */
function noting(shape: Parameters<typeof event>[1]) {
  const said = event('said', shape)

  @Gateway('/chat')
  class Chat {
    said(_: Socket, ...args: unknown[]) {
      notes.push(args)
      return args[0]
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Chat.prototype, 'said')
  ;(On(said) as MethodDecorator)(Chat.prototype, 'said', descriptor as PropertyDescriptor)
  return Chat
}

interface Answer {
  ack?: number
  data?: unknown
  error?: { code: string; message: string; details?: { path: unknown[]; message: string }[] }
}

async function ask(gateway: new () => object, frame: string, options = {}): Promise<Answer> {
  const { connect } = await start(gateway, options)
  return JSON.parse(String(await (await connect('/chat')).ask(frame))) as Answer
}

const zodUser = z.object({ user: z.object({ name: z.string().trim(), tags: z.array(z.number()) }) })
const valibotUser = v.object({
  user: v.object({ name: v.pipe(v.string(), v.trim()), tags: v.array(v.number()) }),
})
const arktypeUser = type({ user: { name: 'string.trim', tags: 'number[]' } })

const libraries: [name: string, schema: Schema, args: Schema<readonly unknown[], readonly unknown[]>][] = [
  ['zod', zodUser, z.tuple([z.string(), z.number()])],
  ['valibot', valibotUser, v.tuple([v.string(), v.number()])],
  ['arktype', arktypeUser, type(['string', 'number'])],
]

describe.each(libraries)('%s', (_, data, args) => {
  test('what the schema makes of the data is what the handler gets', async () => {
    const answer = await ask(
      noting({ data }),
      '{"event":"said","data":{"user":{"name":" Ada ","tags":[1]}},"id":1}',
    )
    expect(answer).toEqual({ ack: 1, data: { user: { name: 'Ada', tags: [1] } } })
    expect(notes).toEqual([[{ user: { name: 'Ada', tags: [1] } }]])
  })

  test('what does not fit is answered INVALID_DATA with path and message of each fault, and not handled', async () => {
    const { error } = await ask(
      noting({ data }),
      '{"event":"said","data":{"user":{"name":5,"tags":[1,"two"]}},"id":1}',
    )
    expect(error?.code).toBe('INVALID_DATA')
    const { details = [] } = error ?? {}
    expect(details.map(({ path }) => path)).toEqual([
      ['user', 'name'],
      ['user', 'tags', 1],
    ])
    for (const fault of details) {
      expect(Object.keys(fault)).toEqual(['path', 'message'])
      expect(fault.message).not.toBe('')
    }
    expect(error?.message).toBe(`invalid data: user.name: ${details[0]?.message}`)
    expect(notes).toEqual([])
  })

  // An empty path of arktype's became [0].
  test('the path of a fault of the data as a whole is empty', async () => {
    const { error } = await ask(noting({ data }), '{"event":"said","data":"Ada","id":1}')
    expect(error?.details).toEqual([{ path: [], message: expect.any(String) }])
    expect(error?.message).toBe(`invalid data: ${error?.details?.[0]?.message}`)
  })

  test('what asked for no ack is told all the same', async () => {
    const { connect, logged } = await start(noting({ data }))
    const answer = JSON.parse(String(await (await connect('/chat')).ask('{"event":"said"}')))
    expect(answer).toMatchObject({ error: { code: 'INVALID_DATA', event: 'said' } })
    expect(logged()).toEqual([])
  })

  test('a schema of the arguments gets all of them, and the handler what it makes of them', async () => {
    const { connect } = await start(noting({ args }))
    const client = await connect('/chat')
    expect(await client.ask('{"event":"said","args":["two",2],"id":1}')).toBe('{"ack":1,"data":"two"}')
    expect(notes).toEqual([['two', 2]])
    for (const rest of ['"args":["two","2"]', '"args":["two"]', '"data":"two"', '"args":[]', '"data":null']) {
      const answer = JSON.parse(String(await client.ask(`{"event":"said",${rest},"id":2}`))) as Answer
      expect(answer.error?.code).toBe('INVALID_DATA')
      expect(answer.error?.message).toStartWith('invalid arguments: ')
    }
    expect(notes).toHaveLength(1)
  })

  test('a schema of one argument refuses several', async () => {
    const fits = '{"user":{"name":"Ada","tags":[]}}'
    const { error } = await ask(noting({ data }), `{"event":"said","args":[${fits},${fits}],"id":1}`)
    expect(error).toMatchObject({
      code: 'INVALID_DATA',
      message: 'invalid data: one argument, not several',
      details: [{ path: [], message: 'one argument, not several' }],
    })
    expect(notes).toEqual([])
  })
})

describe('a schema that takes its time', () => {
  const gates = new Map<string, Gate>()

  /** Whether it is not Eve, once the gate of that name is open. Zod asks twice: it tries without waiting first. */
  async function isWelcome(name: string): Promise<boolean> {
    await gates.get(name)?.pass()
    return name !== 'Eve'
  }

  test.each([
    ['zod', z.string().refine(isWelcome, 'not her')],
    ['valibot', v.pipeAsync(v.string(), v.checkAsync(isWelcome, 'not her'))],
  ] as [string, Schema][])('is waited for, and so are the events that follow (%s)', async (_, data) => {
    const [eve, ada] = [new Gate(), new Gate()]
    gates.set('Eve', eve).set('Ada', ada)
    const { connect } = await start(noting({ data }))
    const client = await connect('/chat')
    client.send('{"event":"said","data":"Eve","id":1}', '{"event":"said","data":"Ada","id":2}')
    await until(() => eve.arrived > 0, 'the first check')
    expect([ada.arrived, client.received]).toEqual([0, []])
    eve.open()
    expect(JSON.parse(String(await client.next()))).toMatchObject({
      ack: 1,
      error: { code: 'INVALID_DATA', details: [{ path: [], message: 'not her' }] },
    })
    await until(() => ada.arrived > 0, 'the second check')
    expect(notes).toEqual([])
    ada.open()
    expect(await client.next()).toBe('{"ack":2,"data":"Ada"}')
    expect(notes).toEqual([['Ada']])
  })
})

// When this fails, the guide on schemas says of zod what is no longer so.
test('zod runs the checks of a schema twice where one of them is asynchronous', async () => {
  let [checks, asynchronous] = [0, 0]
  const data = z
    .string()
    .refine(() => ++checks > 0)
    .refine(async () => ++asynchronous > 0)
  expect(await ask(noting({ data }), '{"event":"said","data":"Ada","id":1}')).toEqual({ ack: 1, data: 'Ada' })
  expect([checks, asynchronous, notes]).toEqual([2, 2, [['Ada']]])
})

describe('a schema that throws is masked and logged', () => {
  const boom = new Error('a secret')
  test.each([
    [
      'at once',
      z.string().transform(() => {
        throw boom
      }),
    ],
    [
      'later',
      v.pipeAsync(
        v.string(),
        v.transformAsync(() => Promise.reject(boom)),
      ),
    ],
    ['by returning nothing', { '~standard': { version: 1, vendor: 'none', validate: () => undefined } }],
  ])('%s', async (_, data) => {
    const { app, connect, logged } = await start(noting({ data: data as never }))
    expect(await (await connect('/chat')).ask('{"event":"said","data":"Ada","id":1}')).toBe(
      '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
    )
    const entries = logged()
    expect(entries).toMatchObject([{ message: 'a handler failed', event: 'said', gateway: 'Chat' }])
    expect(entries[0]?.error).toBeInstanceOf(Error)
    expect(app.stats().internalErrors).toBe(1)
    expect(notes).toEqual([])
  })
})

test('a schema beside the name is as good as a descriptor', async () => {
  @Gateway('/chat')
  class Chat {
    @On('rename', z.string().trim().max(5)) rename(_: Socket, name: string) {
      return name
    }
  }

  const { connect } = await start(Chat)
  const client = await connect('/chat')
  expect(await client.ask('{"event":"rename","data":" Ada ","id":1}')).toBe('{"ack":1,"data":"Ada"}')
  expect(await client.ask('{"event":"rename","data":"Adalbert","id":2}')).toContain('"code":"INVALID_DATA"')
})

test('@OnAny sees what was sent, and the handler behind it what the schema made of it', async () => {
  @Gateway('/chat')
  class Chat {
    @OnAny() any(_: Socket, { data }: SocketEvent) {
      notes.push(data)
    }

    @On('rename', z.string().trim()) rename(_: Socket, name: string) {
      notes.push(name)
    }
  }

  const { connect } = await start(Chat)
  const client = await connect('/chat')
  await client.ask('{"event":"rename","data":" Ada ","id":1}')
  await client.ask('{"event":"rename","data":5,"id":2}')
  expect(notes).toEqual([' Ada ', 'Ada', 5])
})

// What a route with nothing around it costs is measured by the bench; here, that it is called without any of it.
test('a handler with nothing around it is called directly, any other in one function', async () => {
  @Gateway('/chat')
  class Chat {
    @On() bare() {}
    @On('described', z.string()) described() {}
    @On(event('answered', { reply: z.string() })) answered() {
      return ''
    }
  }

  const { app } = await start(Chat)
  const run = (name: string, around = {}) => {
    const method = taggedMethods(Chat).find((one) => one.name === name)
    const handler = new Handler(Chat, method as never)
    handler.start(app as never, {
      guards: [],
      middleware: [],
      checkOutgoing: false,
      guardRefused: () => {},
      ...around,
    })
    return typeof handler.run
  }
  expect([run('bare'), run('described'), run('answered')]).toEqual(['undefined', 'function', 'undefined'])
  expect(run('bare', { checkOutgoing: true })).toBe('undefined')
  expect(run('answered', { checkOutgoing: true })).toBe('function')
  expect(run('bare', { guards: [() => true] })).toBe('function')
  expect(run('bare', { middleware: [(_: unknown, next: () => unknown) => next()] })).toBe('function')
})

describe('mistakes are found where they are made', () => {
  // An import in a circle left nothing of the descriptor: the event was that of the method's name, and nothing was checked.
  test('@On of what is undefined', () => {
    const advice = 'was given undefined: a missing import, or two files that import each other'
    expect(() => {
      class Chat {
        @On(undefined as never) said() {}
      }
      return Chat
    }).toThrow(`@On() on Chat.said ${advice}`)
    expect(() => {
      class Chat {
        @On('said', undefined as never) said() {}
      }
      return Chat
    }).toThrow(`@On() on Chat.said ${advice}`)
  })

  test('what speaks no Standard Schema', () => {
    const advice = 'is no Standard Schema: use zod, valibot, arktype or another that speaks it'
    expect(() => event('said', { data: { user: 'string' } as never })).toThrow(
      `event('said') has a data that ${advice}`,
    )
    expect(() => event('said', { reply: null as never })).toThrow(`event('said') has a reply that ${advice}`)
    expect(() => On('said', {} as never)).toThrow(`what @On('said') is given ${advice}`)
  })
})
