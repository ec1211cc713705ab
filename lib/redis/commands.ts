import type { BrokerCounters } from '../broker/broker.ts'
import { BrokerError, unattended } from '../broker/error.ts'
import { type Argument, isReply } from './library.ts'
import { Lost, Unsent } from './line.ts'
import type { Terms } from './options.ts'
import type { ScriptName } from './scripts.ts'
import type { Server } from './server.ts'
import type { Topology } from './topology.ts'
import type { Trouble } from './trouble.ts'

/** Something that Redis is asked to do. Whatever it is, to do it twice is the same as once. */
export interface Command {
  /** Of which the slot is taken. */
  key: string
  args(server: Server): Argument[]
  /** About how much it sends. */
  bytes: number
}

/** What came of one attempt. */
export type Attempt =
  | { isDone: true; reply: unknown }
  /** It may be tried again, and `when`; `wasSent` where it may have been done. */
  | { isDone: false; wasSent: boolean; when: 'now' | 'soon' | 'changed'; error: Error }

/** How long to wait where a server asks for patience: it is loading, or a slot is just being moved. */
const PAUSE = 50

/** Asks the servers, and asks again where that may help. */
export class Commands {
  readonly #terms: Terms
  readonly #topology: Topology
  readonly #counters: BrokerCounters
  readonly #trouble: Trouble
  /** Those who wait until something is different. */
  readonly #waiting = new Set<() => void>()
  #waitingBytes = 0
  #isStopped = false

  constructor(terms: Terms, topology: Topology, counters: BrokerCounters, trouble: Trouble) {
    this.#terms = terms
    this.#topology = topology
    this.#counters = counters
    this.#trouble = trouble
  }

  /** A command that runs a script, whose first key says where. */
  script(name: ScriptName, keys: readonly string[], args: readonly Argument[]): Command {
    const bytes = sizeOf(args) + 64
    return { key: keys[0] as string, args: (server) => server.script(name, keys, args), bytes }
  }

  /** A command as it is, whose first argument is the key. */
  plain(args: [name: string, key: string, ...rest: Argument[]]): Command {
    return { key: args[1], args: () => args, bytes: sizeOf(args) }
  }

  /** Does it, within the time that there is patience. Rejects with a `BrokerError`. */
  run(command: Command): Promise<unknown> {
    return unattended(this.#run(command))
  }

  /** Tries it once. Rejects with a `BrokerError` where it makes no sense to try again. */
  async attempt(command: Command, asked?: Server): Promise<Attempt> {
    if (this.#isStopped) throw new BrokerError('STOPPED', 'the broker was stopped')
    const { key, args, bytes } = command
    const server = asked ?? this.#topology.serverFor(key)
    if (!server?.commands.isUp)
      return { isDone: false, wasSent: false, when: 'changed', error: new Unsent('there is no connection') }
    try {
      // Both in one write: the first is for the one after it only.
      if (asked !== undefined) server.commands.send(['ASKING'], 0).catch(() => {})
      return { isDone: true, reply: await server.commands.send(args(server), bytes) }
    } catch (error) {
      return this.#judge(error as Error, command, server, asked !== undefined)
    }
  }

  /** Resolves when something may be different, at the latest after so long. */
  changed(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#terms
      const wake = (): void => {
        clock.clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = clock.setTimeout(wake, milliseconds)
      this.#waiting.add(wake)
    })
  }

  /** Something is different. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  stop(): void {
    this.#isStopped = true
    this.wake()
  }

  async #run(command: Command): Promise<unknown> {
    const { clock, patience, queue } = this.#terms
    const deadline = clock.now() + patience
    let wasSent = false
    let isWaiting = false
    try {
      for (;;) {
        const attempt = await this.attempt(command)
        if (attempt.isDone) return attempt.reply
        wasSent ||= attempt.wasSent
        const left = deadline - clock.now()
        if (!isWaiting) {
          if (this.#waitingBytes + command.bytes > queue) throw givenUp(wasSent, 'too much waits for Redis')
          isWaiting = true
          this.#waitingBytes += command.bytes
        }
        if (left <= 0) throw givenUp(wasSent, `Redis is away: ${attempt.error.message}`)
        if (attempt.when !== 'now') await this.changed(attempt.when === 'soon' ? PAUSE : left)
      }
    } finally {
      if (isWaiting) this.#waitingBytes -= command.bytes
    }
  }

  /** What to do about an error, and whether to try again. */
  async #judge(error: Error, command: Command, server: Server, wasAsked: boolean): Promise<Attempt> {
    const again = (when: 'now' | 'soon' | 'changed', wasSent = false): Attempt => ({
      isDone: false,
      wasSent,
      when,
      error,
    })
    if (error instanceof Unsent) {
      // There is a connection, and too much on it.
      if (server.commands.isUp) throw new BrokerError('AWAY', 'too much waits for Redis')
      return again('changed')
    }
    if (error instanceof Lost || !isReply(error)) return again('changed', true)
    switch (/^[A-Z]+/.exec(error.message)?.[0]) {
      case 'MOVED':
        this.#topology.moved(error.message)
        return again('soon')
      case 'NOSCRIPT':
        await server.teach().catch(() => {})
        return again('now')
      case 'READONLY':
        // A replica by now. Who has taken its place may be found behind the same name.
        server.commands.reset(error)
        return again('changed')
      case 'ASK':
        // A slot that is being moved, and this key has been already: `ASK 3999 127.0.0.1:6381`.
        if (wasAsked) return again('soon')
        return this.attempt(command, this.#topology.at(error.message.split(' ')[2] ?? ''))
      case 'TRYAGAIN':
      case 'CLUSTERDOWN':
      case 'LOADING':
      case 'MASTERDOWN':
      case 'BUSY':
        return again('soon')
    }
    this.#counters.failed++
    this.#trouble.once(error.message.slice(0, 40), { error: error.message }, 'Redis refused a command')
    throw new BrokerError('REFUSED', error.message, { cause: error })
  }
}

function sizeOf(args: readonly Argument[]): number {
  return args.reduce((sum, { length }) => sum + length, 0)
}

function givenUp(wasSent: boolean, message: string): BrokerError {
  return new BrokerError(wasSent ? 'UNKNOWN' : 'AWAY', message)
}
