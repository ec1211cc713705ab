import type { Codec, Frame } from 'partyline'
import type { TestApp, TestClient } from 'partyline/testing'
import type { Word } from './gateway.ts'

/** Something that a client sent. */
export interface Sent {
  readonly n: number
  readonly kind: 'emit' | 'volatile' | 'call'
  /** On which of its lines it goes out first: on the next, where there was none. */
  readonly line: number
  answer?: unknown
  error?: unknown
}

/** How a line of a client began. */
export interface Opening {
  readonly sid: string
  readonly recovered: boolean
  readonly lost: number
}

/** One client of a history, and what its application sent and saw. */
export class Guest {
  readonly client: TestClient
  readonly isJson: boolean
  readonly sent: Sent[] = []
  readonly errors: unknown[] = []
  /** What came, by session. */
  readonly heard = new Map<string, number[]>()
  readonly openings: Opening[] = []
  /** How often each request of the server's ran. */
  readonly ran = new Map<number, number>()
  /** By what its session could be resumed by anybody, as it stands on its line. */
  token: string | undefined
  pos = 0
  /** Answers that take their time. */
  #answering: (() => void)[] = []

  constructor(
    readonly number: number,
    app: TestApp,
    codec: Codec,
  ) {
    this.isJson = codec.subprotocol === 'partyline.json.v1'
    this.client = app.client('/g', {
      identity: { user: 'one' },
      name: `guest ${number}`,
      codec: { ...codec, decode: (message) => this.#watch(codec.decode(message)) },
      backoff: { min: 200, max: 3_000 },
      queue: { frames: 100_000 },
      onError: (error) => this.errors.push(error),
    })
    this.client
      .when('open', ({ recovered, lost }) => {
        this.openings.push({ sid: this.client.sid as string, recovered, lost })
      })
      .on('n', (n: number) => this.listOf(this.client.sid as string).push(n))
      .handle('key', (key: number) => {
        this.ran.set(key, (this.ran.get(key) ?? 0) + 1)
        if (key % 3 > 0) return key
        return new Promise<number>((resolve) => this.#answering.push(() => resolve(key)))
      })
  }

  listOf(sid: string): number[] {
    let list = this.heard.get(sid)
    if (list === undefined) {
      list = []
      this.heard.set(sid, list)
    }
    return list
  }

  send(kind: Sent['kind'], op: Word['op'], room: string): void {
    const { client } = this
    if (client.state === 'closed') return
    const line = this.openings.length - (client.state === 'open' ? 1 : 0)
    const one: Sent = { n: this.sent.length + 1, kind, line }
    this.sent.push(one)
    const word: Word = { from: this.number, n: one.n, op, room }
    if (kind === 'emit') client.emit('say', word)
    else if (kind === 'volatile') client.volatile.emit('say', word)
    else
      client.call('say', word, { timeout: one.n % 2 === 0 ? 10_000 : Number.POSITIVE_INFINITY }).then(
        (answer) => {
          one.answer = answer
        },
        (error) => {
          one.error = error
        },
      )
  }

  /** Gives the answers that take their time. */
  answer(): void {
    for (const answer of this.#answering.splice(0)) answer()
  }

  /** Looks at what comes, as somebody could who listens on the line. */
  #watch(frame: Frame): Frame {
    if ('hello' in frame && frame.hello.recovery !== undefined) {
      const { recovered, recovery } = frame.hello
      // A hello that comes twice is no other session.
      if (recovered !== true && recovery.token !== this.token) this.pos = recovery.pos
      this.token = recovery.token
    } else if ('pos' in frame && frame.pos !== undefined) this.pos = Math.max(this.pos, frame.pos)
    return frame
  }
}
