import { afterEach, describe, expect, test } from 'bun:test'
import { freePort } from '../support/port.ts'
import { Program } from '../support/process.ts'
import { CLOSE, closeCode, frameBytes, type Place, TEXT, WireClient } from '../support/tcp.ts'
import { until } from '../support/until.ts'

const programs: Program[] = []
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill('SIGKILL')
    await program.ended()
  }
})

function start(args: string[], env?: Record<string, string>): Program {
  const program = Program.start(args, env)
  programs.push(program)
  return program
}

async function ready(args: string[], env?: Record<string, string>): Promise<Program> {
  const program = await Program.ready(args, env)
  programs.push(program)
  return program
}

/** The app whose handlers are done a while after it is asked to end, with so many clients. */
async function pending(concurrency: number, count: number) {
  const program = await ready(['test/fixtures/pending.ts', String(concurrency)])
  const place: Place = { port: Number(program.stdout), host: '127.0.0.1' }
  const clients = await Promise.all(Array.from({ length: count }, () => WireClient.open(place, '/pending')))
  return { program, clients }
}

describe('asked to end during 1,000 pending asynchronous requests, a process answers all of them', () => {
  const ids = Array.from({ length: 100 }, (_, id) => id)

  /** Takes the answers and the close of each client, and the end of the process. */
  async function expectAllAnswered(program: Program, clients: WireClient[]): Promise<void> {
    for (const client of clients) {
      await until(() => client.frames.at(-1)?.opcode === CLOSE, 'the close frame')
      const close = client.frames.pop()
      expect(close && closeCode(close)).toBe(1_001)
      client.write(frameBytes(CLOSE, close?.payload ?? ''))
      const texts = client.frames.map(({ opcode, payload }) =>
        opcode === TEXT ? payload.toString() : opcode,
      )
      expect(texts.toSorted()).toEqual(ids.map((id) => `{"ack":${id},"data":${id}}`).toSorted())
    }
    const { code, stdout, stderr } = await program.ended()
    expect(code).toBe(0)
    expect(stdout.match(/^closed$/gm)).toHaveLength(clients.length)
    expect(stderr).toBe('')
  }

  test.each(['SIGTERM', 'SIGINT'] as const)('with all handlers at work (%s)', async (signal) => {
    const { program, clients } = await pending(100, 10)
    for (const client of clients) client.send(...ids.map((id) => `{"event":"work","data":${id},"id":${id}}`))
    await until(() => program.stdout.includes('1000 have begun'), 'all handlers')
    program.kill(signal)
    await expectAllAnswered(program, clients)
  })

  test('with one handler of each connection at work and the others in line', async () => {
    const { program, clients } = await pending(1, 10)
    for (const client of clients) client.send(...ids.map((id) => `{"event":"work","data":${id},"id":${id}}`))
    // A pong says that all before it was read.
    for (const client of clients) expect(await client.ask('{"ping":1}')).toBe('{"pong":1}')
    program.kill('SIGTERM')
    await expectAllAnswered(program, clients)
  })
})

test('asked a second time, a process ends at once', async () => {
  const { program, clients } = await pending(1, 1)
  const [client] = clients as [WireClient]
  client.send('{"event":"never","id":1}')
  await until(() => program.stdout.includes('never has begun'), 'the handler')
  program.kill('SIGTERM')
  const health = `http://127.0.0.1:${Number(program.stdout.split('\n')[0])}/healthz`
  await until(async () => (await fetch(health)).status === 503, 'the drain')
  program.kill('SIGTERM')
  expect((await program.ended()).code).toBe(143)
})

const MAIN = 'apps/party/main.ts'

describe('where the party listens', () => {
  test('a flag goes before the environment, and that before the default', async () => {
    const [a, b] = [await freePort(), await freePort()]
    const environment = { HOST: '127.0.0.1', PORT: String(a) }
    const cases: [args: string[], address: string][] = [
      [[], `http://127.0.0.1:${a}`],
      [['--port', String(b)], `http://127.0.0.1:${b}`],
      [[`localhost:${b}`], `http://localhost:${b}`],
      [['--host', 'localhost'], `http://localhost:${a}`],
      [[String(b)], `http://127.0.0.1:${b}`],
      [[`localhost:${a}`, '--host', '127.0.0.1', '--port', String(b)], `http://127.0.0.1:${b}`],
    ]
    for (const [args, address] of cases) {
      const program = await ready([MAIN, ...args], environment)
      expect(program.stdout).toBe(`listening on ${address}\n`)
      expect((await fetch(`${address}/healthz`)).status).toBe(200)
      program.kill('SIGTERM')
      expect((await program.ended()).code).toBe(0)
    }
  })

  // The one was taken for port 1 of a host ":", the other for a port that is none.
  test('a host may stand alone, be it a name or an address of IPv6', async () => {
    for (const [arg, host] of [
      ['localhost', 'localhost'],
      ['::1', '[::1]'],
      ['[::1]', '[::1]'],
    ] as const) {
      const port = await freePort()
      const program = await ready([MAIN, arg], { PORT: String(port) })
      expect(program.stdout).toBe(`listening on http://${host}:${port}\n`)
      program.kill('SIGTERM')
      expect((await program.ended()).code).toBe(0)
    }
  })

  test('without flags and environment it is localhost:3000, or an error that says so', async () => {
    const program = start([MAIN])
    await until(() => (program.stdout + program.stderr).includes('\n'), 'a line')
    expect(program.stdout + program.stderr).toMatch(
      /^(listening on http:\/\/|cannot listen on )localhost:3000\b/,
    )
  })

  test('host 0 is all interfaces', async () => {
    const program = await ready([MAIN, '0:0'])
    const [, port] = program.stdout.match(/^listening on http:\/\/0\.0\.0\.0:(\d+)\n$/) ?? []
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  })

  test('--help says how', async () => {
    const { code, stdout, stderr } = await start([MAIN, '--help']).ended()
    expect(stdout).toStartWith('usage: [--host HOST] [--port PORT] [[HOST:]PORT | HOST]\n')
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('where the party cannot listen, one line says why, and the exit code is 1', () => {
  test.each([
    [['--port', 'abc'], 'cannot listen: "abc" is no port: a port is a whole number from 0 to 65535'],
    [['--port', '65536'], 'cannot listen: "65536" is no port: a port is a whole number from 0 to 65535'],
    [['--port=-1'], 'cannot listen: "-1" is no port: a port is a whole number from 0 to 65535'],
    [['--port', '-1'], "cannot listen: Option '--port' argument is ambiguous; see --help"],
    [['--port'], "cannot listen: Option '--port <value>' argument missing; see --help"],
    [['localhost:'], 'cannot listen: "" is no port: a port is a whole number from 0 to 65535'],
    [['--host', 'two words', '0'], 'cannot listen: "two words" is no host'],
    [['--host='], 'cannot listen: "" is no host'],
    [
      ['no..such..host:0'],
      'cannot listen on no..such..host:0: there is no such host. Use localhost, 0.0.0.0 or an address of this machine',
    ],
    [
      ['192.0.2.1:0'],
      'cannot listen on 192.0.2.1:0: no network interface of this machine has that address. Use localhost, 0.0.0.0 or [::]',
    ],
    [['--prot', '80'], "cannot listen: Unknown option '--prot'; see --help"],
    [['8000', '9000'], 'cannot listen: one [HOST:]PORT is enough, "9000" is too much'],
  ])('%j', async (args, line) => {
    expect(await start([MAIN, ...args]).ended()).toEqual({ code: 1, stdout: '', stderr: `${line}\n` })
  })

  test('a PORT of the environment that is none', async () => {
    const { code, stderr } = await start([MAIN], { PORT: 'http' }).ended()
    expect(stderr).toBe('cannot listen: "http" is no port: a port is a whole number from 0 to 65535\n')
    expect(code).toBe(1)
  })

  test('a port that is in use', async () => {
    const other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const { code, stdout, stderr } = await start([MAIN, `127.0.0.1:${other.port}`]).ended()
    other.stop(true)
    expect(stderr).toBe(
      `cannot listen on 127.0.0.1:${other.port}: it is in use already. Choose another with --port, PORT, or the "port" option; 0 is any free one\n`,
    )
    expect([code, stdout]).toEqual([1, ''])
  })
})

// Whatever the app had opened was left to the end of the process.
test.each([
  ['it cannot listen', 'listen', 'cannot listen on 127.0.0.1:'],
  ['a provider fails', 'start', 'the database is down'],
])('where %s, what was built is disposed of before the process ends', async (_, what, line) => {
  const other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const args = ['test/fixtures/disposing.ts', `127.0.0.1:${other.port}`]
  const { code, stdout, stderr } = await start(args, { FAIL: what }).ended()
  other.stop(true)
  expect(stdout).toBe('disposed\n')
  expect(stderr).toContain(line)
  expect(code).toBe(1)
})

test('an app that catches nothing ends with exit code 1 and a short text, without a stack', async () => {
  const other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const { code, stdout, stderr } = await start(['test/fixtures/listen.ts', String(other.port)]).ended()
  other.stop(true)
  expect(stderr).toStartWith(
    `PartylineError: cannot listen on 127.0.0.1:${other.port}: it is in use already. `,
  )
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(stderr.split('\n').length).toBeLessThan(9)
  expect([code, stdout]).toEqual([1, ''])
})
