/**
 * A server that does its half of docs/adr/0010-recovery-on-the-wire.md by the letter, and a network between it and a
 * client that breaks where a test says so. It was written from the record, and shares no code with ours.
 */

type Frame = Record<string, unknown>

/** A WebSocket of the client's, and both directions of the network below it. */
export class ModelLine {
  readyState = 0
  binaryType = 'blob'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: ((event: object) => void) | null = null
  /** On the way to the server. */
  up: string[] = []
  /** On the way to the client. */
  down: string[] = []
  /** Whether the server still takes it for a line. */
  isAtServer = false
  /** Whether nothing gets through any more, in either direction. */
  isBroken = false

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(text: string): void {
    if (this.readyState === 1 && !this.isBroken) this.up.push(text)
  }

  /** Brings so many messages to the client. */
  deliver(count: number): void {
    for (const data of this.down.splice(0, count)) if (this.readyState === 1) this.onmessage?.({ data })
  }

  /** What was on the way may still arrive; nothing reaches the client any more. */
  close(): void {
    this.readyState = 3
  }

  /** Nothing gets through any more, and nobody knows it. */
  break(): void {
    this.isBroken = true
    this.up = []
    this.down = []
  }

  /** The client learns that it is over. */
  end(code = 1006, reason = ''): void {
    if (this.readyState === 3) return
    this.break()
    this.readyState = 3
    this.onclose?.({ code, reason })
  }
}

/** A session as the server knows it. */
class ModelSession {
  readonly log: { pos: number; frame: Frame }[] = []
  /** The token of the last hello, and the one before while the last may not have arrived. */
  token = ''
  oldToken: string | undefined
  /** The last position of the client's. */
  received = 0
  line: ModelLine | undefined
  isOver = false
  /** The ids of the requests that wait for the client's answer. */
  readonly asked = new Map<number, string>()
  readonly sent: number[] = []

  constructor(
    readonly sid: string,
    /** The last position that was given to it, or after which it began. */
    public last: number,
  ) {}
}

export class ModelServer {
  readonly #hasRecovery: boolean
  /** The position of the gateway's log, which others move too. */
  #pos = 1_000
  #count = 0
  readonly sessions: ModelSession[] = []
  /** What its application saw: the numbers of the client's events, in the order in which they were handled. */
  readonly handled: number[] = []
  /** What answered its requests, with how often. */
  readonly answers = new Map<string, number>()
  /** Requests of the client whose handler takes its time. */
  #unanswered: { session: ModelSession; id: number; n: number }[] = []

  constructor(hasRecovery: boolean) {
    this.#hasRecovery = hasRecovery
  }

  /** The session that the client is in, as far as the server knows. */
  get current(): ModelSession | undefined {
    return this.sessions.findLast(({ isOver }) => !isOver)
  }

  /** The handshake succeeds. */
  accept(line: ModelLine): void {
    if (line.readyState !== 0 || line.isBroken) return
    line.readyState = 1
    line.isAtServer = true
    line.onopen?.()
    const session = this.#hasRecovery ? this.#resume(line) : this.#begin()
    session.line = line
    line.down.unshift(JSON.stringify({ hello: this.#hello(session, line) }))
  }

  /** Emits an event with that number to the client, wherever it is. */
  emit(n: number): void {
    const session = this.current
    if (session === undefined) return
    session.sent.push(n)
    this.#send(session, { event: 'n', data: n })
  }

  /** Asks the client to answer. */
  request(): void {
    const session = this.current
    if (session === undefined) return
    // Each session counts anew: an answer that is meant for another is not taken for nothing.
    const id = session.asked.size + 1
    const key = `${session.sid}/${id}`
    session.asked.set(id, key)
    this.answers.set(key, 0)
    this.#send(session, { event: 'ask', data: key, id })
  }

  /** Handlers that took their time come to their end, the last first. */
  answer(): void {
    for (const { session, id, n } of this.#unanswered.splice(0).reverse())
      if (!session.isOver) this.#send(session, { ack: id, data: n })
  }

  /** Brings so many messages to the server. */
  deliver(line: ModelLine, count: number): void {
    if (!line.isAtServer) return
    const session = this.sessions.find((one) => one.line === line)
    for (const text of line.up.splice(0, count)) {
      if (session === undefined || session.isOver) return
      this.#receive(session, line, JSON.parse(text))
    }
  }

  /** The server says what it has; it need not. */
  acknowledge(): void {
    const session = this.current
    if (session === undefined || !this.#hasRecovery) return
    this.#transmit(session, { received: session.received })
  }

  /** Sends again what it has sent last, though nothing was lost. */
  repeat(): void {
    const session = this.current
    const last = session?.log.at(-1)
    if (session && last) this.#transmit(session, { ...last.frame, pos: last.pos })
  }

  /** The server learns that a line is gone. */
  lose(line: ModelLine): void {
    line.isAtServer = false
    for (const session of this.sessions) {
      if (session.line !== line) continue
      session.line = undefined
      if (!this.#hasRecovery) session.isOver = true
    }
  }

  /** All sessions are over, as at a restart, or after the window. */
  forget(): void {
    for (const session of this.sessions) {
      session.isOver = true
      session.line?.end(1012)
    }
    this.#unanswered = []
  }

  #resume(line: ModelLine): ModelSession {
    const offer = line.protocols.find((one) => one.startsWith('partyline.resume.'))
    if (offer === undefined) return this.#begin()
    const [, , token, pos] = offer.split('.')
    const session = this.sessions.find(
      (one) => !one.isOver && (one.token === token || one.oldToken === token),
    )
    const from = Number(pos)
    // A position below what was acknowledged or above what was given makes no sense: the client has a fault.
    if (session === undefined || from > session.last) {
      this.#overtake(undefined)
      return this.#begin()
    }
    this.#overtake(session.line)
    session.oldToken = token
    for (const { pos, frame } of session.log)
      if (pos > from) line.down.push(JSON.stringify({ ...frame, pos }))
    return session
  }

  #overtake(line: ModelLine | undefined): void {
    if (line === undefined) return
    line.isAtServer = false
    line.end(4409, 'taken over')
  }

  #begin(): ModelSession {
    // There is one client: where it begins anew, what was before is over.
    for (const one of this.sessions) one.isOver = true
    const session = new ModelSession(`s${this.sessions.length + 1}`, this.#pos)
    this.sessions.push(session)
    return session
  }

  #hello(session: ModelSession, line: ModelLine): Frame {
    if (!this.#hasRecovery) return { sid: session.sid, heartbeat: 25_000 }
    const isResumed = session.token !== ''
    const hasAsked = line.protocols.some((one) => one.startsWith('partyline.resume.'))
    session.token = `t${++this.#count}`
    return {
      sid: session.sid,
      heartbeat: 25_000,
      recovery: { token: session.token, window: 120_000, pos: session.last },
      ...(isResumed && { received: session.received }),
      ...(hasAsked && { recovered: isResumed }),
    }
  }

  #send(session: ModelSession, frame: Frame): void {
    if (!this.#hasRecovery) return this.#transmit(session, frame)
    // Others move the log as well.
    this.#pos += 1 + (this.#pos % 3)
    session.last = this.#pos
    session.log.push({ pos: this.#pos, frame })
    this.#transmit(session, { ...frame, pos: this.#pos })
  }

  #transmit({ line }: ModelSession, frame: Frame): void {
    if (line?.isAtServer && !line.isBroken) line.down.push(JSON.stringify(frame))
  }

  #receive(session: ModelSession, line: ModelLine, frame: Frame): void {
    session.oldToken = undefined
    if ('ping' in frame) return void line.down.push(JSON.stringify({ pong: frame.ping }))
    if ('pong' in frame) return
    if (typeof frame.received === 'number') {
      const { received } = frame
      while (session.log[0] && session.log[0].pos <= received) session.log.shift()
      return
    }
    if (this.#hasRecovery) {
      const pos = Number(frame.pos)
      if (!(pos > 0)) throw new Error(`no position: ${JSON.stringify(frame)}`)
      if (pos <= session.received) return
      session.received = pos
    }
    if (typeof frame.ack === 'number') {
      const key = session.asked.get(frame.ack)
      if (key === undefined || frame.data !== key)
        throw new Error(`no such request: ${JSON.stringify(frame)}`)
      this.answers.set(key, (this.answers.get(key) ?? 0) + 1)
      return
    }
    const n = Number(frame.data)
    this.handled.push(n)
    if (typeof frame.id !== 'number') return
    if (n % 2 === 0) this.#send(session, { ack: frame.id, data: n })
    else this.#unanswered.push({ session, id: frame.id, n })
  }
}
