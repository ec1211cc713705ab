import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type Client, connect } from 'partyline/client'
import { Program } from '../support/process.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

setDefaultTimeout(60_000)

/** What was said to everybody, by whom and as their how many-th. */
interface Said {
  from: number
  n: number
}

/** A client that goes to another node each time, and what it has seen. */
class Visitor {
  readonly client: Client
  readonly heard: Said[] = []
  readonly answers = new Map<number, number>()
  readonly openings: boolean[] = []
  sent = 0

  constructor(
    readonly number: number,
    nodes: readonly Program[],
  ) {
    let turn = number
    this.client = connect(
      () => `${nodes[turn++ % nodes.length]?.stdout.split('\n')[0]?.replace('http', 'ws')}/desk`,
      { backoff: { min: 50, max: 500 } },
    )
    this.client
      .when('open', ({ recovered }) => this.openings.push(recovered))
      .on('said', (said: Said) => this.heard.push(said))
  }

  say(): void {
    const n = ++this.sent
    this.client
      .call('say', { from: this.number, n }, { timeout: Number.POSITIVE_INFINITY })
      .then((answer) => this.answers.set(n, answer as number))
  }
}

describe.skipIf(!binary)('sessions of nodes that are processes of their own', () => {
  let server: RedisServer
  const nodes: Program[] = []
  const visitors: Visitor[] = []

  const begin = (): Promise<Program> =>
    Program.ready(['test/redis/fixtures/desk.ts'], {
      REDIS_URL: `redis://127.0.0.1:${server.port}`,
      LEASE: '1500',
      NODE_ENV: 'production',
    })

  beforeAll(async () => {
    server = await RedisServer.start(binary as string)
  })

  afterEach(async () => {
    for (const { client } of visitors.splice(0)) client.close()
    for (const node of nodes.splice(0)) {
      node.kill('SIGKILL')
      await node.ended()
    }
  })

  afterAll(() => server.stop())

  /** Lets everybody speak until something is so. */
  async function speakUntil(isSo: () => boolean): Promise<void> {
    const end = performance.now() + 20_000
    while (!isSo()) {
      if (performance.now() > end) throw new Error('waited in vain')
      for (const visitor of visitors) visitor.say()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  test('lose nothing and have nothing twice, though one is killed, one stands still, and one is stopped', async () => {
    nodes.push(...(await Promise.all([begin(), begin(), begin()])))
    for (let i = 0; i < 6; i++) visitors.push(new Visitor(i, nodes))
    const areBack = (count: number) => () =>
      visitors.reduce((sum, { openings }) => sum + openings.length, 0) >= count &&
      visitors.every(({ client, answers, sent }) => client.state === 'open' && sent - answers.size < 20)
    // Who has not arrived yet would not hear what the others say.
    while (!visitors.every(({ client }) => client.state === 'open'))
      await new Promise((resolve) => setTimeout(resolve, 10))
    await speakUntil(areBack(6))
    const [killed, frozen, stopped] = nodes as [Program, Program, Program]
    nodes[0] = await begin()
    killed.kill('SIGKILL')
    await speakUntil(areBack(8))
    frozen.kill('SIGSTOP')
    const begun = performance.now()
    await speakUntil(() => performance.now() - begun > 3_000)
    frozen.kill('SIGCONT')
    await speakUntil(areBack(8))
    nodes[2] = await begin()
    stopped.kill('SIGTERM')
    expect((await stopped.ended()).code).toBe(0)
    await speakUntil(areBack(10))
    const all = visitors.reduce((sum, { sent }) => sum + sent, 0)
    await until(() => visitors.every(({ heard }) => heard.length >= all))
    for (const { openings, heard, answers, sent } of visitors) {
      expect(openings.slice(1)).not.toContain(false)
      expect([...answers].filter(([n, answer]) => answer !== n * 2)).toEqual([])
      expect(answers.size).toBe(sent)
      for (const { number, sent } of visitors) {
        const numbers = heard.filter(({ from }) => from === number).map(({ n }) => n)
        expect(numbers).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
      }
    }
  })
})

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
}
