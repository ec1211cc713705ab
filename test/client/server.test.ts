import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as path } from 'node:path'
import { createApp, event, Gateway, GatewayContext, On, PartylineError, type Socket } from 'partyline'
import { type Attempt, type CloseReason, connect } from 'partyline/client'
import { msgpack } from 'partyline/msgpack'
import { z } from 'zod'
import { TcpProxy } from '../../apps/bench/cuts/proxy.ts'
import { CollectingLogger } from '../support/logger.ts'
import { freePort } from '../support/port.ts'
import { until } from '../support/until.ts'

const join = event('join', { data: z.object({ user: z.string() }), reply: z.object({ guests: z.number() }) })
const joined = event('joined', { data: z.object({ user: z.string() }) })

/** How many handlers have begun that do not end. */
let begun = 0

@Gateway('/party')
class Party {
  constructor(private readonly party: GatewayContext) {}

  @On(join) join(_: Socket, { user }: { user: string }) {
    this.party.emit(joined, { user })
    return { guests: this.party.sockets.size }
  }

  @On() sum(_: Socket, numbers: number[]) {
    return numbers.reduce((sum, n) => sum + n, 0)
  }

  @On() refuse() {
    throw new PartylineError('NO', 'no')
  }

  @On() echo(socket: Socket, ...args: unknown[]) {
    socket.emit('echo', ...args)
  }

  @On() never() {
    begun++
    return new Promise(() => {})
  }

  @On() restart(socket: Socket) {
    socket.close(1012)
  }

  @On() leave(socket: Socket) {
    socket.emit('bye', 'see you')
    socket.close(4403, 'left')
  }
}

const options = { signals: false, hostname: '127.0.0.1' }
const backoff = { min: 1, max: 50 }
const app = createApp(Party, { codecs: [msgpack()] })
const { url } = await app.listen({ ...options, port: 0 })
afterAll(() => app.stop())

test('events and calls go both ways, typed by their descriptors', async () => {
  const ann = connect(`${url}/party`)
  const bob = connect(`${url}/party`)
  const heard: string[] = []
  bob.on(joined, ({ user }) => heard.push(user))
  await bob.call('sum', [])
  const { guests } = await ann.call(join, { user: 'Ann' })
  expect(guests).toBe(2)
  await until(() => heard.length === 1, 'the event')
  expect(heard).toEqual(['Ann'])
  expect(ann.call(join, { user: 5 } as never)).rejects.toMatchObject({
    code: 'INVALID_DATA',
    details: [{ path: ['user'] }],
  })
  expect(await ann.call('refuse').catch((error: unknown) => error)).toEqual(new PartylineError('NO', 'no'))
  ann.close()
  bob.close()
})

test('MessagePack carries bytes', async () => {
  const client = connect(`${url}/party`, { codec: msgpack() })
  const echoed = new Promise((resolve) => client.once('echo', (...args) => resolve(args)))
  client.emit('echo', new Uint8Array([0, 255]), 'ü', [1.5])
  expect(await echoed).toEqual([new Uint8Array([0, 255]), 'ü', [1.5]])
  client.close()
})

test('what the server refuses to handle is reported', async () => {
  const errors: unknown[] = []
  const client = connect(`${url}/party`, { onError: (error, { event }) => errors.push([error, event]) })
  client.emit('dance')
  await until(() => errors.length === 1, 'the error')
  expect(errors).toEqual([[expect.objectContaining({ code: 'UNKNOWN_EVENT' }), 'dance']])
  client.close()
})

test('a client survives its server: what is sent meanwhile waits for the next', async () => {
  const first = createApp(Party, { logger: new CollectingLogger() })
  const port = await freePort()
  const { url } = await first.listen({ ...options, port })
  const client = connect(`${url}/party`, { backoff })
  expect(await client.call('sum', [1, 2])).toBe(3)
  const sid = client.sid
  const pending = client.call('never').catch((error: { code: string }) => error.code)
  const reasons: CloseReason[] = []
  client.when('reconnecting', ({ reason }) => reasons.push(reason))
  await until(() => begun === 1, 'the handler')
  await first.stop({ deadline: 50 })
  expect(await pending).toBeOneOf(['DISCONNECTED', 'OVERLOADED', 'TIMEOUT'])
  await until(() => reasons.length > 2, 'attempts in vain')
  expect(reasons[0]).toMatchObject({ code: 1001 })
  expect(reasons[1]).toMatchObject({ code: 1006 })
  const waiting = client.call('sum', [3, 4])
  const second = createApp(Party)
  await second.listen({ ...options, port })
  expect(await waiting).toBe(7)
  expect(client.state).toBe('open')
  expect(client.sid).not.toBe(sid)
  client.close()
  await second.stop()
})

test('a token that is refused is asked for again, and the reason is told as far as it is known', async () => {
  const strict = createApp(Party, {
    authenticate: ({ subprotocols }) =>
      subprotocols.includes('partyline.bearer.good') ? { user: 'ann' } : null,
  })
  const { url } = await strict.listen({ ...options, port: 0 })
  const attempts: Attempt[] = []
  const client = connect(`${url}/party`, {
    backoff,
    token: async () => (attempts.length < 2 ? 'bad' : 'good'),
  }).when('reconnecting', (attempt) => attempts.push(attempt))
  expect(await client.call('sum', [1])).toBe(1)
  expect(attempts.map(({ attempt, reason }) => [attempt, reason.code])).toEqual([
    [1, 1006],
    [2, 1006],
  ])
  client.close()
  await strict.stop()
})

test('a server that sends somebody away is obeyed', async () => {
  const client = connect(`${url}/party`, { backoff })
  const closed = new Promise<CloseReason>((resolve) => client.when('closed', resolve))
  client.emit('leave')
  expect(await closed).toEqual({ code: 4403, reason: 'left' })
})

describe('where the gateway keeps sessions', () => {
  const handled: number[] = []

  @Gateway('/kept', { recovery: {} })
  class Kept {
    constructor(private readonly kept: GatewayContext) {}

    @On() count(_: Socket, n: number) {
      handled.push(n)
      this.kept.emit('counted', n)
      return n
    }

    @On() confirm(socket: Socket, text: string) {
      return socket.call('sure?', text)
    }
  }

  test('lines are cut at will, and both sides see everything once and in order', async () => {
    const app = createApp(Kept)
    const { port } = await app.listen({ ...options, port: 0 })
    const proxy = await TcpProxy.start(Number(port))
    const client = connect(`ws://127.0.0.1:${proxy.port}/kept`, { backoff: { min: 1, max: 10 } })
    const openings: boolean[] = []
    const heard: number[] = []
    client
      .when('open', ({ recovered }) => openings.push(recovered))
      .on('counted', (n: number) => heard.push(n))
      .handle('sure?', (text: string) => `${text} Yes.`)
    let sent = 0
    await client.call('count', ++sent)
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 5 }, () => {
        client.emit('count', ++sent)
        return client.call('count', ++sent)
      })
      const confirmed = client.call('confirm', `${round}?`)
      if (round % 2 === 0) await until(() => heard.length > sent - 9, 'something')
      proxy.cut()
      expect(await Promise.all(calls)).toEqual([8, 6, 4, 2, 0].map((before) => sent - before))
      expect(await confirmed).toBe(`${round}? Yes.`)
    }
    const all = Array.from({ length: sent }, (_, i) => i + 1)
    expect(handled).toEqual(all)
    await until(() => heard.length >= sent, 'the last event')
    expect(heard).toEqual(all)
    expect(openings.length).toBeGreaterThan(10)
    expect(openings.filter((recovered) => !recovered)).toEqual([false])
    client.close()
    proxy.stop()
    await app.stop()
  })
})

describe('on other runtimes', () => {
  const root = path(import.meta.dir, '../..')
  const folder = mkdtempSync(path(tmpdir(), 'partyline-client-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const module = path(folder, 'client.js')
  const build = ['build', '--target=browser', `--outfile=${module}`, 'lib/client/mod.ts']
  beforeAll(() => {
    const { status, stderr } = spawnSync(process.execPath, build, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  })

  const deno = path(root, 'node_modules/.bin/deno')
  const runtimes: [name: string, command: string, flags: string[]][] = [
    ['Bun', process.execPath, []],
    // WebSocket is there without the flag from Node 22 on.
    ['Node', 'node', ['--experimental-websocket', '--no-warnings']],
    ['Deno', deno, ['run', '--allow-net', '--allow-read']],
  ]

  test.each(runtimes)(
    'a client on %s calls, hears, comes back and is sent away',
    async (_, command, flags) => {
      const child = spawn(command, [...flags, path(import.meta.dir, 'smoke.mjs'), module, `${url}/party`])
      let out = ''
      child.stdout.on('data', (text) => (out += text))
      child.stderr.on('data', (text) => (out += text))
      const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
      if (code !== 0) throw new Error(`it ended with ${code}: ${out}`)
      expect(JSON.parse(out)).toEqual([
        { recovered: false, lost: 0 },
        3,
        [true, 'NO'],
        [1, 'ü'],
        { recovered: false, lost: 0 },
        7,
        'see you',
        { code: 4403, reason: 'left' },
      ])
    },
  )
})
