// The documentation's own test bench: it has to notice when a page says what does not happen.
import { afterAll, expect, test } from 'bun:test'
import { readPage } from './markdown.ts'
import { play } from './play.ts'
import { Program } from './program.ts'
import { filled, matches, readScript } from './script.ts'
import { Snippets } from './snippets.ts'

const page = `
\`\`\`ts
import { createApp, Gateway, On, OnClose, run, type Socket } from 'partyline'

@Gateway('/')
class Echo {
  @On() twice(socket: Socket, data: unknown) {
    socket.emit('echo', data)
    return data
  }
  @On() log(socket: Socket, text: string) {
    console.log(text)
  }
  @On() leave(socket: Socket) {
    socket.close(4000, 'left')
  }
  @On() fail() {
    throw new Error('on purpose')
  }
  @OnClose() closed() {
    const number: string = 5
  }
}

await run(createApp(Echo))
\`\`\`
`
const snippets = new Snippets([readPage('docs/echo.md', page)])
afterAll(() => snippets.remove())

async function happens(...lines: string[]): Promise<string> {
  const program = new Program(snippets.all[0]!.path, ['run'], ['--port', '0'])
  try {
    await play(readScript(lines.join('\n'), '/', 1), program)
    return 'as written'
  } catch (error) {
    return (error as Error).message
  } finally {
    await program.kill()
  }
}

const asked = '> {"event":"twice","data":1,"id":2}'
const event = '< {"event":"echo","data":1}'
const ack = '< {"ack":2,"data":1}'

test('what happens as written passes', async () => {
  expect(await happens(asked, event, ack)).toBe('as written')
  expect(await happens('> {"event":"log","data":"hi"}', '$ hi', '>| 1000 bye')).toBe('as written')
})

test.each([
  [
    'another frame',
    [asked, event, '< {"ack":2,"data":2}'],
    'line 3: expected {"ack":2,"data":2}\n  and got {"ack":2,"data":1}',
  ],
  [
    'another order',
    [asked, ack, event],
    'line 2: expected {"ack":2,"data":1}\n  and got {"event":"echo","data":1}',
  ],
  ['a frame that nobody wrote down', [asked, event], 'this happened too: < {"ack":2,"data":1}'],
  ['a close that nobody wrote down', ['> {"event":"leave"}'], 'this happened too: <| 4000 left'],
  [
    'another close',
    ['> {"event":"leave"}', '<| 4001 left'],
    'line 2: expected | 4001 left\n  and got | 4000 left',
  ],
  ['a line that nobody wrote down', ['> {"event":"log","data":"hi"}'], 'this happened too: $ hi'],
  [
    'a line that reads otherwise',
    ['> {"event":"log","data":"hi"}', '$ ho'],
    'line 2: expected ho\n  and got hi',
  ],
  [
    'another answer over HTTP',
    ['GET /x', '404 {}'],
    'line 2: expected 404 {}\n  and got 404 {"error":{"code":"NOT_FOUND","message":"nothing at /x"}}',
  ],
  ['a path that refuses', ['= /x'], 'line 1: the connection was refused'],
])('%s is noticed', async (_, lines, message) => {
  expect(await happens(...lines)).toBe(message)
})

test('a complaint on the error stream is noticed unless it is written down', async () => {
  const fails = ['> {"event":"fail","id":1}', '< {"ack":1,"error":…}']
  const answered = '< {"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}'
  expect(await happens(fails[0]!, answered, '! on purpose')).toBe('as written')
  expect(await happens(fails[0]!, answered)).toStartWith('it complained: ')
})

test('… stands for one value, and for nothing else', () => {
  expect(matches('{"a":…,"b":2}', '{"a":"x, \\"y\\"","b":2}')).toBe(true)
  expect(matches('{"a":…,"b":2}', '{"a":1.5,"b":2}')).toBe(true)
  expect(matches('{"a":…}', '{"a":1,"b":2}')).toBe(false)
  expect(matches('{"a":…}', '{"b":1}')).toBe(false)
  const kept = new Map<string, string>()
  expect(matches('{"token":"«token»","n":…}', '{"token":"x-y_z","n":1}', kept)).toBe(true)
  expect(filled('resume.«token».«other»', kept)).toBe('resume.x-y_z.«other»')
})

test('a line that cannot be played, and frames without a program, are errors', () => {
  expect(() => readScript('hello', '/', 7)).toThrow('line 7: "hello" is nothing that can be played')
  const orphan = readPage('docs/orphan.md', '```frames /\n> {}\n```\n')
  expect(() => new Snippets([orphan])).toThrow('docs/orphan.md:2: there is no program above')
})

test('the compiler says where on the page it finds fault', () => {
  expect(snippets.check()).toEqual(["docs/echo.md:21: Type 'number' is not assignable to type 'string'."])
}, 60_000)
