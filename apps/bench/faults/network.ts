import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TcpProxy } from '../cuts/proxy.ts'

/** How long the lease of a node is here, in milliseconds: shorter than the default, so that a run takes minutes. */
export const LEASE = 5_000

/** A Redis of the run's own, which writes down what it is told. */
export class Redis {
  readonly port: number
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'partyline-faults-'))
  #process: ReturnType<typeof Bun.spawn> | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<Redis> {
    const redis = new Redis(await freePort())
    await redis.run()
    return redis
  }

  async run(): Promise<void> {
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder]
    const how = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'no', '--daemonize', 'no']
    this.#process = Bun.spawn(['redis-server', ...where, ...how], { stdout: 'ignore', stderr: 'inherit' })
    while (!(await this.ask('PING').catch(() => false))) await Bun.sleep(50)
  }

  async ask(...[command, ...args]: [string, ...string[]]): Promise<unknown> {
    const client = new Bun.RedisClient(`redis://127.0.0.1:${this.port}`, { autoReconnect: false })
    try {
      return await client.send(command, args)
    } finally {
      client.close()
    }
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name)
  }

  async crash(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#process?.exited
  }

  async stop(): Promise<void> {
    await this.crash()
    rmSync(this.#folder, { recursive: true })
  }
}

/** A node, and its own way to Redis. */
export class Node {
  readonly port: number
  readonly redis: TcpProxy
  #process: ReturnType<typeof Bun.spawn> | undefined

  private constructor(port: number, redis: TcpProxy) {
    this.port = port
    this.redis = redis
  }

  static async start(redis: Redis): Promise<Node> {
    const node = new Node(await freePort(), await TcpProxy.start(redis.port))
    await node.run()
    return node
  }

  async run(): Promise<void> {
    this.#process = Bun.spawn([process.execPath, join(import.meta.dir, 'node.ts')], {
      env: {
        ...process.env,
        HOST: '127.0.0.1',
        PORT: String(this.port),
        REDIS_URL: `redis://127.0.0.1:${this.redis.port}`,
        LEASE: String(LEASE),
      },
      stdout: 'ignore',
      stderr: process.env.VERBOSE ? 'inherit' : 'ignore',
    })
    while (!(await this.#isHealthy())) await Bun.sleep(50)
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void {
    this.#process?.kill(name)
  }

  /** Resolves when the process has ended. */
  async untilGone(): Promise<void> {
    await this.#process?.exited
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM')
    await this.untilGone()
    this.redis.stop()
  }

  async #isHealthy(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/healthz`).catch(() => undefined)
    return answer?.status === 200
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
