import { Buffer } from 'node:buffer'
import type { RosterCopy } from '../broker/roster-copy.ts'
import type { Command } from './commands.ts'
import { headOf, sealChange } from './envelope.ts'
import type { RostersParts } from './rosters.ts'

const head = headOf('change')

/** For how long a roster stays in Redis when nobody renews it. */
const TTL = 5 * 60_000

/** How long to wait before what failed is tried again. */
const PAUSE = 500

/**
 * One roster, as far as this node has to do with it. What the node has entered is known here, and Redis is brought to the same:
 * member by member, or all at once where it cannot be known what Redis has.
 */
export class Roster {
  readonly own: Map<string, Uint8Array> = new Map()
  readonly copies: Set<RosterCopy> = new Set()
  readonly #parts: RostersParts
  readonly #name: string
  readonly #idle: () => void
  /** Those that Redis does not know as they are here. */
  readonly #changed = new Set<string>()
  /** Redis may know anything. */
  #isUncertain = false
  #isWorking = false
  #isStopped = false

  /** @param idle called when it may be forgotten */
  constructor(name: string, parts: RostersParts, idle: () => void) {
    this.#name = name
    this.#parts = parts
    this.#idle = idle
  }

  /** Whether there is anything to remember. */
  get isIdle(): boolean {
    return (
      this.own.size + this.copies.size + this.#changed.size === 0 && !this.#isUncertain && !this.#isWorking
    )
  }

  set(member: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.own.delete(member)
    else this.own.set(member, bytes)
    for (const copy of this.copies) copy.changed(member, bytes)
    this.#changed.add(member)
    this.#work()
  }

  /** Redis may have forgotten what it was told. */
  restore(): void {
    if (this.own.size === 0 && this.#changed.size === 0 && !this.#isWorking) return
    this.#isUncertain = true
    this.#work()
  }

  /** Lets it live on, and makes sure that Redis and the copies are right. It does not reject. */
  async audit(): Promise<void> {
    if (this.#isWorking || this.#isUncertain) return
    const { index } = this.#parts.names.roster(this.#name)
    const keys = [index, this.#members]
    const count = this.own.size
    try {
      const reply = await this.#parts.commands.run(this.#parts.commands.script('renew', keys, [String(TTL)]))
      const [version, size] = reply as [Buffer | null, number]
      // It was changed meanwhile: the next audit will tell.
      if (this.#isWorking || this.own.size !== count) return
      if (size !== count) this.restore()
      for (const copy of this.copies) if (copy.version !== Number(version ?? 0)) copy.lookAgain()
    } catch {
      // Away, which is told elsewhere; what is missing then is restored.
    }
  }

  stop(): void {
    this.#isStopped = true
    for (const copy of [...this.copies]) copy.close()
  }

  get #members(): string {
    return `${this.#parts.names.roster(this.#name).index}:${this.#parts.own}`
  }

  /** Begins at the end of the turn, so that who comes and goes within one is no work. */
  #work(): void {
    if (this.#isWorking || this.#isStopped) return
    this.#isWorking = true
    queueMicrotask(() => void this.#settle())
  }

  /** It does not throw. */
  async #settle(): Promise<void> {
    const { commands } = this.#parts
    while ((this.#isUncertain || this.#changed.size > 0) && !this.#isStopped) {
      const steps = this.#isUncertain ? [this.#fill()] : [...this.#changed].map((one) => this.#change(one))
      this.#isUncertain = false
      this.#changed.clear()
      const done = await Promise.allSettled(steps.map((step) => commands.run(step)))
      if (done.some(({ status }) => status === 'rejected')) {
        this.#isUncertain = true
        if (!this.#isStopped) await commands.changed(PAUSE)
      }
    }
    this.#isWorking = false
    if (this.isIdle) this.#idle()
  }

  #change(member: string): Command {
    const bytes = this.own.get(member)
    const args = [member, bytes === undefined ? '' : Buffer.from(bytes)]
    return this.#command('change', member, bytes, [bytes === undefined ? '0' : '1', ...args])
  }

  #fill(): Command {
    const members = [...this.own].flatMap(([member, bytes]) => [member, Buffer.from(bytes)])
    return this.#command('fill', undefined, undefined, members)
  }

  #command(
    script: 'change' | 'fill',
    member: string | undefined,
    bytes: Uint8Array | undefined,
    rest: (string | Buffer)[],
  ): Command {
    const { names, node, own } = this.#parts
    const { index, channel } = names.roster(this.#name)
    const change = sealChange(node, member, bytes)
    const keys = [index, this.#members]
    return {
      key: index,
      bytes: rest.reduce((sum, { length }) => sum + length, change.length),
      args: (server) => {
        const publish = server.isSharded ? 'SPUBLISH' : 'PUBLISH'
        return server.script(script, keys, [String(TTL), publish, head, change, own, channel, ...rest])
      },
    }
  }
}
