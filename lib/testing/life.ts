import { App } from '../core/app.ts'
import type { Clock } from '../core/clock.ts'
import type { Root } from '../core/modules.ts'
import type { AppOptions } from '../core/options.ts'
import { type ConnectOptions, type MemoryClient, MemoryRuntime } from '../runtime/memory.ts'
import { MortalClock } from './clock.ts'

/** An app from its making to its stop, or to its crash: what happens after a crash is another's life. */
export class Life {
  readonly app: App<MemoryRuntime>
  readonly #clock: MortalClock
  #isOver = false

  constructor(root: Root, options: AppOptions, clock: Clock, topics: boolean) {
    this.#clock = new MortalClock(clock)
    this.app = new App(
      root,
      { ...options, clock: this.#clock },
      (host) => new MemoryRuntime(host, { topics }),
    )
  }

  /** The server's end of a connection, or the response that refused it; undefined where it is over, or is by then. */
  async knock(path: string, options: ConnectOptions): Promise<MemoryClient | Response | undefined> {
    if (this.#isOver) return undefined
    try {
      return await this.app.runtime.connect(path, options)
    } catch (error) {
      if (this.#isOver) return undefined
      throw error
    }
  }

  async stop(deadline: number): Promise<void> {
    await this.app.stop({ deadline })
    this.#isOver = true
  }

  /** Ends it as a process ends that is killed: nothing of it runs any more, neither `@OnClose` nor what waits for its time. */
  crash(): void {
    this.#isOver = true
    this.#clock.die()
    this.app.runtime.crash()
  }
}
