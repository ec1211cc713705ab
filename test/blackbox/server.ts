import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place } from '../support/tcp.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = (name: string): string => join(root, 'node_modules/.bin', name)

/** The app of the black-box suite. */
const APP = 'test/blackbox/app.ts'

/** The runtimes that the suite is put to, by the name that they have in docs/runtimes.md. */
export type RuntimeName = 'Bun' | 'Deno' | 'Node'

/** How a server comes to be on a runtime. */
interface Start {
  /** What has to be made of the app first; it is removed with the folder that it is given. */
  build?(app: string, folder: string): void
  /** The program and its arguments, up to the app's own; `permissions` are for Deno, beyond those that every server needs. */
  command(app: string, folder: string, permissions: readonly string[]): readonly [string, ...string[]]
}

const starts: Record<RuntimeName, Start> = {
  Bun: { command: (app) => [bin('bun'), 'run', app] },
  Deno: {
    // Nothing but the network: whatever else it asked for would end it.
    command: (app, _, permissions) => [
      bin('deno'),
      ...['run', '--no-prompt', '--quiet', '--allow-net', ...permissions],
      ...['--import-map', 'test/blackbox/import-map.json', app],
    ],
  },
  Node: {
    build(app, folder) {
      const args = ['build', '--target=node', `--outfile=${folder}/app.mjs`, app]
      const { status, stderr } = spawnSync(bin('bun'), args, { cwd: root, encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
    },
    command: (_, folder) => ['node', join(folder, 'app.mjs')],
  },
}

/** What starts servers on one runtime. */
export class Starter {
  readonly name: RuntimeName
  readonly folder: string = mkdtempSync(join(tmpdir(), 'partyline-blackbox-'))
  readonly #app: string
  readonly #servers: Server[] = []

  /** @param app a program that prints the ports of its apps, as JSON by name; its path from the root */
  constructor(name: RuntimeName, app: string = APP) {
    this.name = name
    this.#app = app
    starts[name].build?.(app, this.folder)
  }

  /** Runs the app until it says where it listens; rejects where it ends before. */
  async start(args: readonly string[] = [], permissions: readonly string[] = []): Promise<Server> {
    const server = this.run(args, permissions)
    await server.listening
    return server
  }

  /** Runs the app, whatever comes of it. */
  run(args: readonly string[] = [], permissions: readonly string[] = []): Server {
    const [program, ...given] = starts[this.name].command(this.#app, this.folder, permissions)
    const server = new Server(spawn(program, [...given, ...args], { cwd: root }))
    this.#servers.push(server)
    return server
  }

  /** Ends whatever runs, and takes away what was made. */
  async end(): Promise<void> {
    for (const server of this.#servers) server.kill('SIGKILL')
    await Promise.all(this.#servers.map(({ ended }) => ended))
    rmSync(this.folder, { recursive: true })
  }
}

/** The app, in a process of its own. */
export class Server {
  stdout = ''
  stderr = ''
  /** Resolves when it has said where it listens; rejects where it ends before. */
  readonly listening: Promise<void>
  /** Resolves to its exit code, when all that it wrote has come; to the signal that ended it, if one did. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #process: ChildProcess

  constructor(process: ChildProcess) {
    this.#process = process
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      process.on('error', reject)
      process.on('close', (code, signal) => resolve(code ?? signal))
    })
    this.listening = new Promise((resolve, reject) => {
      process.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.stdout += text
        if (this.stdout.includes('\n')) resolve()
      })
      this.ended.then((how) => reject(new Error(`the app ended with ${how}: ${this.stderr}`)), reject)
    })
    // Who waits for the end need not wait for this too.
    this.listening.catch(() => {})
  }

  /** Where one of its apps listens. */
  place(app = 'main'): { port: number; host: string } & Place {
    const ports = JSON.parse(this.stdout.slice(0, this.stdout.indexOf('\n'))) as Record<string, number>
    return { port: ports[app] as number, host: '127.0.0.1' }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }
}
