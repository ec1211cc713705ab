import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { until } from '../contract/broker/network.ts'

/** A Redis server of a test's own, on a free port, which keeps what it was told over a crash. */
export class RedisServer {
  readonly port: number
  readonly #binary: string
  readonly #args: readonly string[]
  #folder: string
  #process: ReturnType<typeof Bun.spawn> | undefined
  #client: { destroy(): void; sendCommand(args: readonly (string | Buffer)[]): Promise<unknown> } | undefined

  private constructor(binary: string, port: number, args: readonly string[]) {
    this.#binary = binary
    this.port = port
    this.#args = args
    this.#folder = newFolder()
  }

  /** Starts the program at that path. `args` are more of its own. */
  static async start(binary: string, ...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(binary, await freePort(), args)
    await server.run()
    return server
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Starts it, and waits until it answers. */
  async run(): Promise<void> {
    this.#process = Bun.spawn(
      [
        ...[this.#binary, '--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder],
        // What is answered was written: a crash of the program, if not of the machine, loses nothing.
        ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'no', '--daemonize', 'no', ...this.#args],
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    )
    await until(async () => {
      const client = createClient({
        url: `redis://127.0.0.1:${this.port}`,
        socket: { reconnectStrategy: false, connectTimeout: 1_000 },
      })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.ping()
        this.#client = client
        return true
      } catch {
        client.destroy()
        return false
      }
    }, 'Redis to start')
  }

  /** Asks it something, as another program does. */
  ask(...args: (string | Buffer)[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('it is not running')
    return this.#client.sendCommand(args)
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
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const bus = String(await freePort())
      const options = ['--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-node-timeout', '5000']
      return { bus, server: await RedisServer.start(binary, ...options) }
    }),
  )
  const [first] = servers as [(typeof servers)[0]]
  const size = Math.ceil(16_384 / servers.length)
  await Promise.all(
    servers.map(async ({ server }, i) => {
      const last = Math.min(16_383, (i + 1) * size - 1)
      await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(i * size), String(last))
      if (server !== first.server)
        await server.ask('CLUSTER', 'MEET', '127.0.0.1', String(first.server.port), first.bus)
    }),
  )
  await until(async () => {
    const infos = await Promise.all(servers.map(({ server }) => server.ask('CLUSTER', 'INFO')))
    return infos.every((info) => /cluster_state:ok.*cluster_known_nodes:3/s.test(String(info)))
  }, 'the cluster to be one')
  return servers.map(({ server }) => server)
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'partyline-redis-'))
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
