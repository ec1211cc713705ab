import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { dirname } from 'node:path'

/** How long anything may take before it counts as not happening, in milliseconds: also the start of a process, on a busy machine. */
export const PATIENCE = 15_000

/** A program in a process of its own. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams
  /** What it printed and nobody has asked for yet. */
  readonly #printed: string[] = []
  #complaints = ''
  #changed: () => void = () => {}
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>
  #isOver = false

  constructor(path: string, command: readonly string[] = ['run'], args: readonly string[] = []) {
    // Bun reads the tsconfig.json of the folder that it is started in.
    this.#child = spawn(process.execPath, [...command, path, ...args], { cwd: dirname(dirname(path)) })
    let rest = ''
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.#printed.push(...lines)
      this.#changed()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text
      this.#changed()
    })
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#isOver = true
        this.#changed()
        resolve(code)
      })
    })
  }

  /** All that it wrote to its error stream. */
  get complaints(): string {
    return this.#complaints
  }

  /** Waits for where it listens, which it prints first. */
  async listening(): Promise<URL> {
    const line = await this.printed()
    const [url] = /http:\/\/\S+/.exec(line) ?? []
    if (url === undefined) throw new Error(`the program does not say where it listens, but: ${line}`)
    return new URL(url)
  }

  /** Waits for the next line that it prints. */
  async printed(): Promise<string> {
    await this.#until(() => this.#printed.length > 0, 'prints nothing more')
    return this.#printed.shift() as string
  }

  /** Waits for a text on its error stream. */
  complained(text: string): Promise<void> {
    return this.#until(() => this.#complaints.includes(text), `does not complain of "${text}"`)
  }

  /** What it has printed and nobody asked for. */
  get unread(): readonly string[] {
    return this.#printed
  }

  /** Ends it at once, without a last word; afterwards all that it had written is here. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #until(condition: () => boolean, otherwise: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`the program ${otherwise}\n${this.#complaints}`))
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
