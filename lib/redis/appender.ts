import { BrokerError } from '../broker/error.ts'
import type { Command, Commands } from './commands.ts'

/** An entry on its way. */
interface Pending {
  command: Command
  deadline: number
  resolve: (position: number) => void
  reject: (error: BrokerError) => void
  /** Whether it was sent and nobody knows whether it is in. */
  wasSent: boolean
}

/** What an appender needs. */
export interface AppenderParts {
  commands: Commands
  now(): number
  patience: number
}

/** How long to wait before what a server has put off is tried again. */
const PAUSE = 20

/**
 * Appends to one stream, in order: what is given is sent at once, one behind the other. Where one fails, none is sent any
 * more until those on their way have ended, and then all that are not in are sent again. Redis takes each once.
 */
export class Appender {
  readonly #parts: AppenderParts
  readonly #idle: () => void
  readonly #pending = new Set<Pending>()
  #bytes = 0
  /** How many are on their way. */
  #sent = 0
  /** What the others have to wait for. */
  #mending: 'soon' | 'changed' | undefined

  /** @param idle called when nothing is pending any more */
  constructor(parts: AppenderParts, idle: () => void) {
    this.#parts = parts
    this.#idle = idle
  }

  /** How many bytes are pending. */
  get bytes(): number {
    return this.#bytes
  }

  append(command: Command): Promise<number> {
    const deadline = this.#parts.now() + this.#parts.patience
    return new Promise((resolve, reject) => {
      const one = { command, deadline, resolve, reject, wasSent: false }
      this.#pending.add(one)
      this.#bytes += command.bytes
      if (this.#mending === undefined) void this.#send(one)
    })
  }

  /** It does not throw. */
  async #send(one: Pending): Promise<void> {
    this.#sent++
    try {
      const attempt = await this.#parts.commands.attempt(one.command)
      if (attempt.isDone) this.#done(one, String(attempt.reply))
      else {
        one.wasSent ||= attempt.wasSent
        this.#mending = attempt.when === 'changed' ? 'changed' : 'soon'
      }
    } catch (error) {
      this.#remove(one)
      one.reject(error as BrokerError)
    }
    if (--this.#sent > 0) return
    if (this.#mending !== undefined) void this.#mend()
    else if (this.#pending.size === 0) this.#idle()
  }

  #done(one: Pending, position: string): void {
    this.#remove(one)
    if (position !== '') one.resolve(Number(position))
    else one.reject(new BrokerError('UNKNOWN', 'Redis knows of later ones, and no more of this one'))
  }

  /** Sends all again that are not in, and gives up those that have waited for too long. It does not throw. */
  async #mend(): Promise<void> {
    const { commands, now } = this.#parts
    const [first] = this.#pending
    const left = Math.max(1, (first?.deadline ?? 0) - now())
    if (first !== undefined) await commands.changed(this.#mending === 'changed' ? left : PAUSE)
    for (const one of [...this.#pending]) {
      if (one.deadline > now()) break
      this.#remove(one)
      one.reject(new BrokerError(one.wasSent ? 'UNKNOWN' : 'AWAY', 'Redis is away'))
    }
    this.#mending = undefined
    if (this.#pending.size === 0) this.#idle()
    for (const one of [...this.#pending]) void this.#send(one)
  }

  #remove(one: Pending): void {
    if (this.#pending.delete(one)) this.#bytes -= one.command.bytes
  }
}
