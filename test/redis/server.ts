import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { until } from '../contract/broker/network.ts'
import { freePort } from '../support/port.ts'

/** A Redis server of a test's own, on a free port, which keeps what it was told over a crash. */
export class RedisServer {
  readonly port: number
  /** Where the servers of a cluster talk to each other. */
  readonly bus: number
  readonly #binary: string
  readonly #args: readonly string[]
  #folder: string
  #process: ReturnType<typeof Bun.spawn> | undefined
  #client: { destroy(): void; sendCommand(args: readonly (string | Buffer)[]): Promise<unknown> } | undefined

  private constructor(binary: string, port: number, bus: number, args: readonly string[]) {
    this.#binary = binary
    this.port = port
    this.bus = bus
    this.#args = args
    this.#folder = newFolder()
  }

  /** Starts the program at that path. `args` are more of its own. */
  static async start(binary: string, ...args: string[]): Promise<RedisServer> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const server = new RedisServer(binary, await freePort(), await freePort(), args)
      if (await server.#begin()) return server
      // Somebody else was quicker with one of the ports.
      await server.stop()
    }
    throw new Error(`${binary} does not start: ${args.join(' ')}`)
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Starts it again, and waits until it answers. */
  async run(): Promise<void> {
    await until(() => this.#begin(), 'Redis to start')
  }

  /** Starts it; returns whether it answers, or false where it has ended instead. */
  async #begin(): Promise<boolean> {
    const started = Bun.spawn(
      [
        ...[this.#binary, '--port', String(this.port), '--cluster-port', String(this.bus)],
        ...['--bind', '127.0.0.1', '--dir', this.#folder],
        // What is answered was written: a crash of the program, if not of the machine, loses nothing.
        ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'no', '--daemonize', 'no', ...this.#args],
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    )
    this.#process = started
    await until(
      async () =>
        started.exitCode !== null || started.signalCode !== null || (await this.#connect(started.pid)),
      'Redis to answer',
    )
    return this.#client !== undefined
  }

  /** Connects to it, and to no other program that has its port. */
  async #connect(pid: number): Promise<boolean> {
    const client = createClient({
      url: `redis://127.0.0.1:${this.port}`,
      socket: { reconnectStrategy: false, connectTimeout: 1_000 },
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const info = await client.sendCommand(['INFO', 'server'])
      if (!String(info).includes(`process_id:${pid}\r`)) throw new Error('it is another one')
      await client.ping()
      this.#client = client
      return true
    } catch {
      client.destroy()
      return false
    }
  }

  /** Asks it something, as another program does. */
  async ask(...args: (string | Buffer)[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('it is not running')
    try {
      return await this.#client.sendCommand(args)
    } catch (error) {
      const { exitCode, signalCode } = this.#process ?? {}
      if ((exitCode ?? signalCode ?? null) === null) throw error
      throw new Error(`Redis has ended with ${signalCode ?? exitCode}`, { cause: error })
    }
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name)
  }

  /** Ends it at once. */
  async crash(): Promise<void> {
    this.#client?.destroy()
    this.#client = undefined
    this.#process?.kill('SIGKILL')
    await this.#process?.exited
  }

  /** Everything that it was told is gone, as soon as it is started again. */
  forget(): void {
    rmSync(this.#folder, { recursive: true })
    this.#folder = newFolder()
  }

  async stop(): Promise<void> {
    await this.crash()
    rmSync(this.#folder, { recursive: true })
  }
}

/** Starts three servers, and makes a cluster of them. */
export async function startCluster(binary: string): Promise<RedisServer[]> {
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000']
  const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start(binary, ...options)))
  try {
    await unite(servers)
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()))
    throw error
  }
  return servers
}

/** Makes a cluster of servers, each of which has its part of the slots. */
async function unite(servers: readonly RedisServer[]): Promise<void> {
  const [first] = servers as [RedisServer]
  const size = Math.ceil(16_384 / servers.length)
  await Promise.all(
    servers.map(async (server, i) => {
      const last = Math.min(16_383, (i + 1) * size - 1)
      await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(i * size), String(last))
      if (server !== first)
        await server.ask('CLUSTER', 'MEET', '127.0.0.1', String(first.port), String(first.bus))
    }),
  )
  await until(async () => {
    const infos = await Promise.all(servers.map((server) => server.ask('CLUSTER', 'INFO')))
    return infos.every((info) => /cluster_state:ok.*cluster_known_nodes:3/s.test(String(info)))
  }, 'the cluster to be one')
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'partyline-redis-'))
}
