import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** How long a program may take to start or to end, in milliseconds: many may share the machine. */
const PATIENCE = 20_000

/** A server in a process of its own, which prints where it listens. */
export class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #ended: Promise<number | null>
  #isOver = false
  #changed: () => void = () => {}
  /** All that it has printed. */
  stdout = ''
  /** All that it has written to its error stream. */
  stderr = ''

  constructor([command, ...args]: readonly [string, ...string[]], cwd: string) {
    // Frameworks make much of NODE_ENV, which `bun test` sets; colours would stand between the words.
    const env = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1' }
    this.#child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#changed()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#isOver = true
        this.#changed()
        resolve(code)
      })
    })
  }

  /** The port that it listens on: the last number of the first line that has one. */
  async port(): Promise<number> {
    const find = (): string | undefined => /(\d+)\D*\n/.exec(this.stdout)?.[1]
    await this.#until(() => find() !== undefined)
    return Number(find())
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Its exit code, once it has ended; null where a signal ended it. */
  async ended(): Promise<number | null> {
    await this.#until(() => this.#isOver)
    return this.#ended
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`waited for it in vain:\n${this.stdout}\n${this.stderr}`))
      const timer = setTimeout(fail, PATIENCE)
      this.#changed = () => {
        if (!condition() && !this.#isOver) return
        clearTimeout(timer)
        if (condition()) resolve()
        else fail()
      }
      this.#changed()
    })
  }
}
