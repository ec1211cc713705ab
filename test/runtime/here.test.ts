import { afterEach, describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BunRuntime, createApp, DenoRuntime, Gateway, NodeRuntime } from 'partyline'

// Where an app runs, and what it says where it cannot.

@Gateway('/party')
class Party {}

const root = join(import.meta.dir, '../..')
const { versions } = process
afterEach(() => say(versions))

/** Has this process say that it is of these versions. */
function say(versions: object): void {
  Object.defineProperty(process, 'versions', { value: versions, configurable: true })
}

describe('what an app runs on', () => {
  test.each([
    [{ bun: '1.4.0', node: '24.3.0' }, BunRuntime],
    [{ deno: '2.8.0', node: '24.2.0' }, DenoRuntime],
    [{ deno: '3.0.0', node: '24.2.0' }, DenoRuntime],
    [{ node: '20.19.0' }, NodeRuntime],
    [{ node: '26.0.0' }, NodeRuntime],
  ])('%j', (versions, Runtime) => {
    say(versions)
    expect(createApp(Party).runtime).toBeInstanceOf(Runtime as never)
  })

  test.each([
    [{ bun: '1.3.9', node: '24.3.0' }, 'Bun 1.4 or later, and this is 1.3.9: bun upgrade'],
    [{ deno: '2.7.14', node: '24.2.0' }, 'Deno 2.8 or later, and this is 2.7.14: deno upgrade'],
    [{ node: '20.9.0' }, 'Node 20.19 or later, and this is 20.9.0: nvm install --lts'],
    [{ node: '18.20.8' }, 'Node 20.19 or later, and this is 18.20.8: nvm install --lts'],
  ])('%j is too old', (versions, line) => {
    say(versions)
    expect(() => createApp(Party)).toThrow(`Partyline needs ${line}`)
  })

  test('none that is known', () => {
    say({})
    const line = 'Partyline runs on Bun 1.4, Deno 2.8, Node 20.19 and later, and this is none of them'
    expect(() => createApp(Party)).toThrow(line)
  })

  test('one that is said is taken, whatever this is', () => {
    say({})
    expect(createApp(Party, { runtime: NodeRuntime }).runtime).toBeInstanceOf(NodeRuntime)
  })
})

test('an app that is made for another runtime says so when it is to listen', async () => {
  await expect(createApp(Party, { runtime: DenoRuntime }).listen()).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message:
      'cannot listen: this app is made for Deno, and this is not Deno. Start it with "deno run --allow-net", or leave out the option "runtime"',
  })
})

// There was no need for it before there was a runtime for Node.
test('without the package ws an app on Node says what to install, in whatever way it is to serve', () => {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-without-ws-'))
  const program = join(folder, 'program.mjs')
  const build = [
    'build',
    '--target=node',
    '--external=ws',
    `--outfile=${program}`,
    'test/fixtures/without-ws.ts',
  ]
  expect(spawnSync(process.execPath, build, { cwd: root }).status).toBe(0)
  const { status, stdout } = spawnSync('node', [program], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  const line = 'cannot listen: WebSockets on Node need the package ws, which is not there: npm install ws\n'
  expect({ status, stdout }).toEqual({ status: 0, stdout: line + line })
})

test('on Deno, without its permission, an app says which one it needs', () => {
  const args = ['run', '--no-prompt', '--import-map', 'test/blackbox/import-map.json', 'test/blackbox/app.ts']
  const deno = join(root, 'node_modules/.bin/deno')
  const at = spawnSync(deno, [...args, 'at', '127.0.0.1 0'], { cwd: root, encoding: 'utf8' })
  const line = 'cannot listen on 127.0.0.1:0: Deno was not allowed to. Run it with --allow-net'
  expect([at.status, at.stderr]).toEqual([1, expect.stringContaining(line)])
  const unix = spawnSync(deno, [...args, 'unix', '/party.sock'], { cwd: root, encoding: 'utf8' })
  const other = 'Run it with --allow-net, and with --allow-read and --allow-write of that path'
  expect([unix.status, unix.stderr]).toEqual([1, expect.stringContaining(other)])
})
