import { afterEach, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp, type Handshake } from 'partyline'
import { jwt, tickets } from 'partyline/auth'
import { CollectingLogger } from '../support/logger.ts'
import { WireClient } from '../support/tcp.ts'
import { Desk } from './knock.ts'
import { SECRET, tokenOf } from './token.ts'

const claims = { sub: 'ada', exp: Math.floor(Date.now() / 1_000) + 3_600 }
const good = tokenOf(claims)
const logger = new CollectingLogger()
const desk = tickets()
let app: App | undefined

afterEach(async () => {
  await app?.stop()
  expect(logger.take()).toEqual([])
})

async function listen(): Promise<number> {
  const byToken = jwt({ secret: SECRET })
  app = createApp(Desk, {
    logger,
    authenticate: (handshake: Handshake) => desk.authenticate(handshake) ?? byToken(handshake),
    fetch: () => Response.json({ ticket: desk.issue({ user: 'bob' }) }),
  })
  const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return port as number
}

const who = '{"event":"who","id":1}'

test('a browser carries its token among the subprotocols, and is answered with the one that is spoken', async () => {
  const port = await listen()
  // The web's own constructor: it takes subprotocols, and fails where the server chooses none of them.
  const socket = new WebSocket(`ws://127.0.0.1:${port}/desk`, [
    'partyline.json.v1',
    `partyline.bearer.${good}`,
  ])
  const messages: string[] = []
  const answered = new Promise<void>((resolve, reject) => {
    socket.onerror = () => reject(new Error('refused'))
    socket.onopen = () => socket.send(who)
    socket.onmessage = ({ data }) => {
      messages.push(String(data))
      if (messages.length === 2) resolve()
    }
  })
  await answered
  expect(socket.protocol).toBe('partyline.json.v1')
  expect(messages[0]).toStartWith('{"hello":')
  expect(JSON.parse(messages[1] as string)).toEqual({ ack: 1, data: { user: 'ada', claims } })
  socket.close()
})

test.each([
  `partyline.json.v1, partyline.bearer.${good}`,
  `partyline.bearer.${good}, partyline.json.v1`,
  `partyline.bearer.${good},mqtt,partyline.json.v1`,
])('what the server says to the handshake has no token in it', async (offer) => {
  const port = await listen()
  const client = await WireClient.open({ port, host: '127.0.0.1' }, '/desk', {
    'Sec-WebSocket-Protocol': offer,
  })
  expect(client.head).toStartWith('HTTP/1.1 101 ')
  expect(client.head.toLowerCase().match(/^sec-websocket-protocol: .*$/gm)).toEqual([
    'sec-websocket-protocol: partyline.json.v1',
  ])
  expect(client.head).not.toContain('bearer')
  client.destroy()
})

test('a token alone is no subprotocol to speak: the handshake is refused', async () => {
  const port = await listen()
  const headers = { 'Sec-WebSocket-Protocol': `partyline.bearer.${good}` }
  const client = await WireClient.open({ port, host: '127.0.0.1' }, '/desk', headers)
  expect(client.head).toStartWith('HTTP/1.1 400 ')
  expect(client.head).not.toContain(good)
  client.destroy()
})

test('a ticket from an HTTP route lets its holder in, once', async () => {
  const port = await listen()
  const response = await fetch(`http://127.0.0.1:${port}/ticket`)
  const { ticket } = (await response.json()) as { ticket: string }
  const place = { port, host: '127.0.0.1' }
  const client = await WireClient.open(place, `/desk?ticket=${ticket}`)
  expect(await client.ask(who)).toBe('{"ack":1,"data":{"user":"bob"}}')
  const late = await WireClient.open(place, `/desk?ticket=${ticket}`)
  expect(late.head).toStartWith('HTTP/1.1 401 ')
  client.destroy()
  late.destroy()
})

test('where jose is not installed, tickets work, and the first token says what to install, in one line', async () => {
  const root = join(import.meta.dir, '../..')
  const folder = mkdtempSync(join(tmpdir(), 'partyline-'))
  try {
    cpSync(join(root, 'lib/auth'), join(folder, 'lib/auth'), { recursive: true })
    cpSync(join(root, 'lib/protocol'), join(folder, 'lib/protocol'), { recursive: true })
    mkdirSync(join(folder, 'node_modules/@standard-schema'), { recursive: true })
    const schema = 'node_modules/@standard-schema/spec'
    symlinkSync(join(root, schema), join(folder, schema), 'junction')
    writeFileSync(
      join(folder, 'main.ts'),
      `import { jwt, tickets } from './lib/auth/mod.ts'
      import { Handshake } from './lib/protocol/handshake.ts'
      const handshake = (ticket, headers) =>
        new Handshake('ws://localhost/?ticket=' + ticket, new Headers(headers), '', 0, {})
      const desk = tickets()
      console.log(desk.authenticate(handshake(desk.issue({ user: 'ada' }))).user)
      const authenticate = jwt({ secret: '${SECRET}' })
      console.log(await authenticate(handshake('')))
      for (const _ of [1, 2]) {
        await authenticate(handshake('', { authorization: 'Bearer ${good}' })).catch((error) => console.log(String(error)))
      }`,
    )
    const child = Bun.spawn([process.execPath, '--no-install', 'main.ts'], { cwd: folder, stdout: 'pipe' })
    const line = 'Error: jwt() needs the package jose, which is not there: npm install jose\n'
    expect(await new Response(child.stdout).text()).toBe(`ada\nnull\n${line}${line}`)
    expect(await child.exited).toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
