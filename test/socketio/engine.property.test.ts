import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { MemoryClient } from '../../lib/runtime/memory-line.ts'
import { type Seen, settle, World } from './engine-world.ts'

/** A longer search is `PARTYLINE_SEQUENCES=50000 npm test -- test/socketio/engine.property`. */
const SEQUENCES = Number(process.env.PARTYLINE_SEQUENCES ?? 1_500)

/** How many sessions there are at most in a sequence. */
const PLACES = 2

const good = fc.constantFrom('4x', '4', '3', '6', 'bAQ==', '4x\x1e4y', `4${'z'.repeat(200)}`)
const bad = fc.constantFrom('2probe', '5', '1', '2', '', '9', 'b!', `4${'z'.repeat(2_000)}`)
const frame = fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: bad })
/** Whether the client breaks the rules of its transport. */
const rude = fc.nat(19).map((one) => one === 0)
const place = fc.nat(PLACES - 1)

/** Steps of one kind, so many times as likely as others. */
function steps<const T extends string, F extends object>(
  weight: number,
  kind: T,
  fields: { [K in keyof F]: fc.Arbitrary<F[K]> },
) {
  return {
    weight,
    arbitrary: fc.record({ ...fields, do: fc.constant(kind), at: place }) as unknown as fc.Arbitrary<
      F & { do: T; at: number }
    >,
  }
}

const step = fc.oneof(
  steps(1, 'begin', { upgrade: fc.boolean() }),
  steps(10, 'poll', { rude }),
  steps(1, 'abort', {}),
  steps(6, 'post', {
    rude,
    payload: fc.array(frame, { minLength: 1, maxLength: 4 }).map((all) => all.join('\x1e')),
    body: fc.constantFrom('whole', 'whole', 'whole', 'in pieces', 'in pieces', 'without end', 'broken off'),
  }),
  steps(6, 'open', { rude }),
  steps(6, 'probe', {}),
  steps(6, 'upgrade', { rude }),
  steps(4, 'frame', { frame }),
  steps(1, 'vanish', {}),
  steps(1, 'deaf', {}),
  steps(16, 'send', { many: fc.integer({ min: 1, max: 5 }) }),
  steps(1, 'close', {}),
  steps(1, 'terminate', {}),
  steps(2, 'pause', {}),
  steps(2, 'resume', {}),
  steps(3, 'wait', { for: fc.constantFrom(1, 50, 100, 250) }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const stray: unknown[] = []
const keep = (error: unknown) => void stray.push(error)
beforeAll(() => void process.on('unhandledRejection', keep).on('uncaughtException', keep))
afterAll(() => void process.off('unhandledRejection', keep).off('uncaughtException', keep))

/** One session and its client, who keeps to no rules. */
interface Player {
  sid: string
  seen: Seen
  lines: MemoryClient[]
  /** What has come, by whichever way, in the order in which it came. */
  got: (string | Uint8Array)[]
  aborter: AbortController
  sent: number
  polls: number
  posts: number
}

class Run {
  readonly world = new World({ upgradeTimeout: 400, maxPayload: 1_000, maxBuffered: 2_000 })
  readonly #places: (Player | undefined)[] = []
  readonly #players: Player[] = []
  readonly #answers: Promise<unknown>[] = []

  async step(one: Step): Promise<void> {
    if (one.do === 'wait') this.world.clock.advance(one.for)
    else if (one.do === 'begin') this.#places[one.at] = await this.#begin(one.upgrade)
    else {
      this.#places[one.at] ??= await this.#begin(false)
      await this.#act(this.#places[one.at] as Player, one)
    }
    // So that what was answered has come before the client goes on.
    await settle()
    for (const { lines, got } of this.#players) for (const line of lines) got.push(...line.received.splice(0))
  }

  async #begin(upgrade: boolean): Promise<Player> {
    const { world } = this
    const lines: MemoryClient[] = []
    let sid: string
    if (upgrade) {
      lines.push(await world.socket())
      sid = world.last.socket.id
      lines[0]?.received.splice(0)
    } else sid = await world.begin()
    const player = {
      sid,
      seen: world.last,
      lines,
      got: [],
      aborter: new AbortController(),
      sent: 0,
      polls: 0,
      posts: 0,
    }
    this.#players.push(player)
    return player
  }

  async #act(player: Player, one: Exclude<Step, { do: 'wait' | 'begin' }>): Promise<void> {
    const { world } = this
    const { sid, seen, lines } = player
    const line = lines.at(-1)
    switch (one.do) {
      case 'poll':
        if (!one.rude && (player.polls > 0 || seen.socket.transport === 'websocket')) return
        return this.#expect(player, 'polls', world.poll(sid, { signal: player.aborter.signal }))
      case 'abort':
        player.aborter.abort()
        player.aborter = new AbortController()
        return
      case 'post':
        if (!one.rude && (player.posts > 0 || seen.socket.transport === 'websocket')) return
        return this.#expect(player, 'posts', world.post(sid, bodyOf(one.payload, one.body)))
      case 'open': {
        if (!one.rude && line !== undefined && line.closed === undefined) return
        const client = await world.knock(`EIO=4&transport=websocket&sid=${sid}`)
        if (!(client instanceof Response)) lines.push(client)
        return
      }
      case 'probe':
        return line?.send('2probe')
      case 'upgrade':
        // A client does so once it has ended its polls and POSTs.
        if (!one.rude && (player.polls > 0 || player.posts > 0)) return
        return line?.send('5')
      case 'frame':
        return line?.send(one.frame)
      case 'vanish':
        return line?.vanish()
      case 'deaf':
        if (line !== undefined) line.reading = false
        return
      case 'send':
        for (let i = 0; i < one.many; i++) seen.socket.send(`#${player.sent++}`)
        return
      case 'close':
        return seen.socket.close(4000, 'enough')
      case 'terminate':
        return seen.socket.terminate()
      case 'pause':
        return seen.socket.pause()
      case 'resume':
        return seen.socket.resume()
    }
  }

  #expect(player: Player, kind: 'polls' | 'posts', answer: Promise<Response>): void {
    player[kind]++
    const done = answer.then(async (response) => {
      player[kind]--
      expect([200, 400, 413]).toContain(response.status)
      const text = await response.text()
      if (response.status === 200 && kind === 'polls') player.got.push(...text.split('\x1e'))
    })
    this.#answers.push(done)
  }

  /** Everybody has gone: nothing may be left of anything, and everything is answered. */
  async end(): Promise<void> {
    for (const { seen } of this.#players) seen.socket.resume()
    await settle()
    this.world.clock.advance(60_000)
    await settle()
    expect(this.#players.map(({ polls, posts }) => polls + posts)).toEqual(this.#players.map(() => 0))
    await Promise.all(this.#answers)
    this.world.expectNothingLeft()
    for (const { lines } of this.#players) for (const line of lines) expect(line.closed).toBeDefined()
    expect(stray).toEqual([])
  }

  /** Whatever the client did: what it got is what was sent, in order, from the first on. */
  checkOrder(): void {
    for (const { got, sent } of this.#players) {
      const numbers = got.filter((one) => `${one}`.startsWith('4#')).map((one) => Number(`${one}`.slice(2)))
      expect(numbers).toEqual(numbers.map((_, i) => i))
      expect(numbers.length).toBeLessThanOrEqual(sent)
    }
  }
}

function bodyOf(payload: string, how: string): BodyInit {
  if (how === 'whole') return payload
  const bytes = [...new TextEncoder().encode(payload)]
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const next = bytes.splice(0, 5)
      if (next.length > 0) return controller.enqueue(Uint8Array.from(next))
      if (how === 'in pieces') return controller.close()
      if (how === 'broken off') return controller.error(new Error('gone'))
      return new Promise<void>(() => {})
    },
  })
}

test('every session is closed or answered, in order, whatever its client does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async (steps) => {
      const run = new Run()
      for (const one of steps) await run.step(one)
      run.checkOrder()
      await run.end()
    }),
    { numRuns: SEQUENCES },
  )
}, 600_000)
