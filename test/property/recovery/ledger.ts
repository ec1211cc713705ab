import type { CloseReason, Socket } from 'partyline'

/** How a request of the server's ended. */
export interface Asked {
  readonly key: number
  readonly sid: string
  /** In which life of the app: what a crash has ended, settles nothing. */
  readonly life: number
  answer?: unknown
  error?: unknown
}

/** One answer of several that come together. */
export interface Answered {
  readonly sid: string
  readonly answer: unknown
  readonly error: unknown
}

/** What the server's side of a history has sent and seen, by what is told in handlers alone. */
export class Ledger {
  /** What was sent to each session, in order. */
  readonly sent = new Map<string, number[]>()
  /** What of the clients' was handled in each session, in order. */
  readonly handled = new Map<string, { from: number; n: number }[]>()
  /** How much that is. */
  count = 0
  /** What each session lived through: O(pen), S(uspend), R(esume), C(lose). */
  readonly lives = new Map<string, string>()
  readonly asked: Asked[] = []
  /** Who was not asked, and should have been if they had not gone. */
  readonly unasked: { key: number; sid: string }[] = []
  readonly wrong: string[] = []
  readonly live = new Map<string, Socket>()
  readonly #rooms = new Map<string, Set<string>>()
  life = 0
  /** Whether all that arrived was handled at once: what waits in a session when it ends may have arrived for nothing. */
  isPrompt = true
  #last = 0
  #key = 0

  opened(socket: Socket): void {
    if (this.lives.has(socket.id)) this.wrong.push(`${socket.id} was opened twice`)
    this.sent.set(socket.id, [])
    this.handled.set(socket.id, [])
    this.lives.set(socket.id, 'O')
    this.live.set(socket.id, socket)
  }

  lived(socket: Socket, what: 'S' | 'R'): void {
    this.lives.set(socket.id, `${this.lives.get(socket.id)}${what}`)
  }

  closed(socket: Socket, _: CloseReason): void {
    this.lives.set(socket.id, `${this.lives.get(socket.id)}C`)
    this.live.delete(socket.id)
    for (const room of this.#rooms.values()) room.delete(socket.id)
  }

  /** The process of the server is no more. */
  crashed(): void {
    this.life++
    this.isPrompt = false
    this.live.clear()
    this.#rooms.clear()
  }

  handle(socket: Socket, from: number, n: number): void {
    this.count++
    this.handled.get(socket.id)?.push({ from, n })
  }

  join(socket: Socket, room: string): void {
    this.#rooms.set(room, (this.#rooms.get(room) ?? new Set()).add(socket.id))
    socket.join(room)
  }

  leave(socket: Socket, room: string): void {
    this.#rooms.get(room)?.delete(socket.id)
    socket.leave(room)
  }

  members(...rooms: string[]): Set<string> {
    return new Set(rooms.flatMap((room) => [...(this.#rooms.get(room) ?? [])]))
  }

  /** Sends the next number to those sessions. */
  send(sids: Iterable<string>, emit: (n: number) => void): void {
    const n = ++this.#last
    for (const sid of sids) this.sent.get(sid)?.push(n)
    emit(n)
  }

  /** Asks a session for something that it has to answer. */
  ask(sid: string, call: (key: number) => Promise<unknown>): void {
    const asked: Asked = { key: ++this.#key, sid, life: this.life }
    this.asked.push(asked)
    call(asked.key).then(
      (answer) => {
        asked.answer = answer
      },
      (error) => {
        asked.error = error
      },
    )
  }

  /** As `ask`, for several sessions whose answers come together. */
  asks(sids: readonly string[]): { key: number; settle(answers: readonly Answered[]): void } {
    const key = ++this.#key
    const life = this.life
    return {
      key,
      settle: (answers) => {
        // Who has gone in this very turn is not asked, and may be known to be gone a little later.
        const missing = sids.filter((sid) => !answers.some((one) => one.sid === sid))
        for (const sid of missing) this.unasked.push({ key, sid })
        for (const { sid } of answers) if (!sids.includes(sid)) this.wrong.push(`${sid} was asked for ${key}`)
        if (new Set(answers.map(({ sid }) => sid)).size < answers.length)
          this.wrong.push(`somebody answered ${key} twice`)
        this.asked.push(...answers.map((one) => ({ ...one, key, life })))
      },
    }
  }
}
