/** Something that a node sent: to one session, or to those in a room, or to everybody. */
export interface Told {
  readonly k: number
  readonly node: number
  /** Those to whom it was sent. */
  readonly sids: ReadonlySet<string>
  readonly isDirect: boolean
  /** The room, where it was for one. */
  readonly room: string | undefined
  /** Whether its node was cut from the broker then, and nobody else can have known. */
  isAtRisk: boolean
  /** Whether that node went before anybody else knew: it was as if it had never been sent, to those who were not there. */
  isGone: boolean
}

/** Something of a client's that was handled. */
export interface Handled {
  readonly sid: string
  readonly guest: number
  readonly n: number
  readonly node: number
  isAtRisk: boolean
  isGone: boolean
}

/** A request of the server's, and how it ended. */
export interface Asked {
  readonly key: number
  readonly sid: string
  readonly ends: unknown[]
}

/** What the nodes have sent and seen, as somebody knows who sees them all. */
export class Chronicle {
  readonly sessions = new Map<string, { room?: string; begin: number }>()
  readonly sent: Told[] = []
  readonly done: Handled[] = []
  readonly requests: Asked[] = []
  readonly wrong: string[] = []
  readonly #cut = new Set<number>()
  #last = 0

  opened(sid: string): void {
    if (this.sessions.has(sid)) this.wrong.push(`${sid} was opened twice`)
    this.sessions.set(sid, { begin: this.sent.length })
  }

  joined(sid: string, room: string): void {
    const session = this.sessions.get(sid)
    if (session !== undefined) session.room = room
  }

  /** What a node alone knew of a session is gone when another goes on with it. */
  resumed(sid: string, node: number): void {
    for (const one of [...this.sent, ...this.done]) {
      const isItsOwn = 'sids' in one ? one.isDirect && one.sids.has(sid) : one.sid === sid
      if (one.isAtRisk && one.node !== node && isItsOwn) one.isGone = true
    }
  }

  handled(sid: string, guest: number, n: number, node: number): void {
    this.done.push({ sid, guest, n, node, isAtRisk: this.#cut.has(node), isGone: false })
  }

  told(sid: string, node: number): number {
    return this.#send(new Set([sid]), node, true, undefined)
  }

  published(room: string | undefined, node: number): number {
    const sids = [...this.sessions].filter(([, one]) => room === undefined || one.room === room)
    return this.#send(new Set(sids.map(([sid]) => sid)), node, false, room)
  }

  asked(sid: string): Asked {
    const asked: Asked = { key: ++this.#last, sid, ends: [] }
    this.requests.push(asked)
    return asked
  }

  cut(node: number): void {
    this.#cut.add(node)
  }

  mended(node: number): void {
    this.#cut.delete(node)
    for (const one of [...this.sent, ...this.done]) if (one.node === node) one.isAtRisk = false
  }

  killed(node: number): void {
    this.#cut.delete(node)
    for (const one of [...this.sent, ...this.done]) if (one.node === node && one.isAtRisk) one.isGone = true
  }

  #send(sids: ReadonlySet<string>, node: number, isDirect: boolean, room: string | undefined): number {
    const k = ++this.#last
    this.sent.push({ k, node, sids, isDirect, room, isAtRisk: this.#cut.has(node), isGone: false })
    return k
  }
}
