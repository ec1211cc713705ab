import { join } from 'node:path'
import { TcpProxy } from '../../../apps/bench/cuts/proxy.ts'
import { type RuntimeName, Starter } from '../../blackbox/server.ts'

const root = join(import.meta.dir, '../../..')

/** The servers on all runtimes, and the proxies before them. */
export class Stage {
  readonly servers = new Map<RuntimeName, string>()
  readonly #starters: Starter[] = []
  readonly #proxies = new Map<string, TcpProxy>()
  readonly #control = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const headers = { 'access-control-allow-origin': '*' }
      return new Response(await this.#asked(new URL(request.url)), { headers })
    },
  })

  static readonly runtimes: readonly RuntimeName[] = ['Bun', 'Deno', 'Node']

  async begin(): Promise<void> {
    await Promise.all(
      Stage.runtimes.map(async (name) => {
        const starter = new Starter(name, 'test/socketio/clients/app.ts')
        this.#starters.push(starter)
        const { port } = (await starter.start()).place()
        this.servers.set(name, `http://127.0.0.1:${port}`)
      }),
    )
  }

  /** Where lines are broken: `/start?port=`, and `/cut`, `/refuse`, `/restore` and `/stop` with `?proxy=`. */
  get control(): string {
    return `http://127.0.0.1:${this.#control.port}`
  }

  async end(): Promise<void> {
    for (const proxy of this.#proxies.values()) proxy.stop()
    await this.#control.stop(true)
    await Promise.all(this.#starters.map((starter) => starter.end()))
  }

  async #asked({ pathname, searchParams }: URL): Promise<string> {
    if (pathname === '/start') {
      const proxy = await TcpProxy.start(Number(searchParams.get('port')))
      this.#proxies.set(`${proxy.port}`, proxy)
      return `${proxy.port}`
    }
    const proxy = this.#proxies.get(searchParams.get('proxy') ?? '')
    if (proxy === undefined) return 'there is no such proxy'
    const ways: Record<string, () => void> = {
      '/cut': () => proxy.cut(),
      '/refuse': () => proxy.refuse(),
      '/restore': () => proxy.restore(),
      '/stop': () => proxy.stop(),
    }
    ways[pathname]?.()
    return 'done'
  }
}

/** A file of this folder as one that another platform can run. */
export async function built(name: string, target: 'node' | 'browser'): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, name)],
    target,
    tsconfig: join(root, 'tsconfig.json'),
  })
  return (outputs[0] as Blob).text()
}
