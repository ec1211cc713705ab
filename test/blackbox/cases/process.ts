import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { CLOSE, closeCode, frameBytes, type Place, TEXT, WireClient } from '../../support/tcp.ts'
import { until } from '../../support/until.ts'
import { get, knock } from '../http.ts'
import type { Declare, Subject } from '../subject.ts'

/** An address of this machine where somebody listens already. */
async function taken(): Promise<{ port: number; free(): void }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, free: () => server.close() }
}

/** The length of the page /large. */
const LARGE = 24 * 1024 * 1024

/** Whether a server takes connections in and lets them be. */
async function isListening(place: Place): Promise<boolean> {
  return get(place, '/healthz').then(
    ({ status }) => status === 200,
    () => false,
  )
}

const ids = Array.from({ length: 100 }, (_, id) => id)

export function process(test: Declare, subject: Subject): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`asked to end by ${signal} while 500 requests are at work, it answers all, closes with 1001 and ends with 0`, async () => {
      const server = await subject.starter.start()
      const clients: WireClient[] = []
      for (let i = 0; i < 5; i++) clients.push(await WireClient.open(server.place(), '/pending'))
      for (const client of clients) {
        client.send(...ids.map((id) => `{"event":"work","data":${id},"id":${id}}`))
        // The pong says that all before it was read.
        assert.equal(await client.ask('{"ping":1}'), '{"pong":1}')
      }
      server.kill(signal)
      for (const client of clients) {
        await until(() => client.frames.at(-1)?.opcode === CLOSE, 'the close frame')
        const close = client.frames.pop()
        assert.equal(close && closeCode(close), 1_001)
        assert.equal(close?.payload.subarray(2).toString(), 'the server is going away')
        client.write(frameBytes(CLOSE, close?.payload ?? ''))
        const texts = client.frames.map(({ opcode, payload }) =>
          opcode === TEXT ? payload.toString() : opcode,
        )
        assert.deepEqual(texts.toSorted(), ids.map((id) => `{"ack":${id},"data":${id}}`).toSorted())
      }
      assert.equal(await server.ended, 0)
      assert.equal(server.stdout.match(/^closed$/gm)?.length, clients.length)
      assert.equal(server.stderr, '')
    })
  }

  test('asked to end while nothing is at work, it takes leave of whoever is there', async () => {
    const server = await subject.starter.start()
    const clients: WireClient[] = []
    for (let i = 0; i < 20; i++) clients.push(await WireClient.open(server.place(), '/rooms'))
    server.kill('SIGTERM')
    for (const client of clients) {
      const close = await client.next()
      assert.equal(closeCode(close), 1_001)
      assert.equal(close.payload.subarray(2).toString(), 'the server is going away')
    }
    assert.equal(await server.ended, 0)
  })

  test('asked to end while an answer is on its way, it sends all of it', async () => {
    const server = await subject.starter.start()
    const socket = connect(server.place())
    socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => socket.once('readable', resolve))
    server.kill('SIGTERM')
    await until(async () => !(await isListening(server.place())), 'it to take nobody in')
    let bytes = 0
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('data', (data: Buffer) => {
      bytes += data.length
    })
    await ended
    assert.ok(bytes > LARGE, `${bytes} bytes came`)
    assert.equal(await server.ended, 0)
  })

  test('while it goes away it lets nobody in, says so, and finishes its pages', async () => {
    const server = await subject.starter.start()
    const place = server.place()
    const stuck = await WireClient.open(place, '/pending')
    stuck.send('{"event":"never","id":1}')
    assert.equal(await stuck.ask('{"ping":1}'), '{"pong":1}')
    const page = get(place, '/slow')
    await until(() => server.stdout.includes('slow has begun'), 'the page to be asked for')
    server.kill('SIGTERM')
    await until(async () => (await get(place, '/healthz')).status === 503, 'the drain')
    assert.equal((await get(place, '/healthz')).body, '{"status":"draining","connections":1}')
    const { status, headers, body } = await knock(place, '/wire')
    assert.equal(body, '{"error":{"code":"UNAVAILABLE","message":"the server is going away"}}')
    assert.deepEqual([status, headers.get('retry-after')], [503, '1'])
    assert.equal(
      await stuck.ask('{"event":"work","id":2}'),
      '{"ack":2,"error":{"code":"OVERLOADED","message":"the server is going away"}}',
    )
    assert.equal((await page).body, 'GET /slow 127.0.0.1 0 ')
    // Asked a second time, it ends at once.
    server.kill('SIGTERM')
    assert.equal(await server.ended, 143)
    stuck.destroy()
  })

  test('it listens on a unix socket, and takes it away when it ends', async () => {
    const path = join(subject.starter.folder, 'party.sock')
    const server = await subject.starter.start(
      ['unix', path],
      [`--allow-read=${path}`, `--allow-write=${path}`],
    )
    assert.deepEqual(JSON.parse(server.stdout), { url: path })
    const client = await WireClient.open({ path }, '/wire')
    assert.equal(await client.ask('{"event":"address","id":1}'), '{"ack":1,"data":""}')
    client.destroy()
    server.kill('SIGTERM')
    assert.equal(await server.ended, 0)
    assert.equal(existsSync(path), false)
  })

  for (const [what, where, line] of [
    ['a port that is none', '127.0.0.1 70000', 'a port is a whole number from 0 to 65535'],
    [
      'a host that is none',
      'no..such..host 0',
      'there is no such host. Use localhost, 0.0.0.0 or an address of this machine',
    ],
    [
      'an address of no machine here',
      '192.0.2.1 0',
      'no network interface of this machine has that address. Use localhost, 0.0.0.0 or [::]',
    ],
  ] as const) {
    test(`where it cannot listen, a line says why: ${what}`, async () => {
      const server = subject.starter.run(['at', where])
      assert.equal(await server.ended, 1)
      const [host, port] = where.split(' ')
      assert.ok(server.stderr.includes(`cannot listen on ${host}:${port}: ${line}`), server.stderr)
    })
  }

  test('where it cannot listen, a line says why: a port in use', async () => {
    const { port, free } = await taken()
    const server = subject.starter.run(['at', `127.0.0.1 ${port}`])
    assert.equal(await server.ended, 1)
    free()
    const line = `cannot listen on 127.0.0.1:${port}: it is in use already. Choose another with --port, PORT, or the "port" option; 0 is any free one`
    assert.ok(server.stderr.includes(line), server.stderr)
  })

  test('where it cannot listen, a line says why: a unix socket in no folder', async () => {
    const path = join(subject.starter.folder, 'none', 'party.sock')
    const server = subject.starter.run(['unix', path], [`--allow-read=${path}`, `--allow-write=${path}`])
    assert.equal(await server.ended, 1)
    assert.ok(server.stderr.includes(`cannot listen on ${path}: its folder does not exist`), server.stderr)
  })
}
