import { until } from './until.ts'

/** A program that runs as a process of its own, and what it has written so far. */
export class Program {
  stdout = ''
  stderr = ''
  readonly #process: ReturnType<typeof Bun.spawn>
  readonly #written: Promise<unknown>

  private constructor(args: string[], env: Record<string, string>) {
    // HOST and PORT of whoever runs the tests are none of its.
    const { HOST: _, PORT: __, ...inherited } = process.env
    const child = Bun.spawn([process.execPath, 'run', ...args], {
      env: { ...inherited, ...env },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    this.#process = child
    this.#written = Promise.all([
      collect(child.stdout, (text) => {
        this.stdout += text
      }),
      collect(child.stderr, (text) => {
        this.stderr += text
      }),
    ])
  }

  /** Runs a TypeScript file with arguments, from the root of the project. */
  static start(args: string[], env: Record<string, string> = {}): Program {
    return new Program(args, env)
  }

  /** Runs one until it has written something; where it ends before, that is an error. */
  static async ready(args: string[], env: Record<string, string> = {}): Promise<Program> {
    const program = new Program(args, env)
    await until(() => program.stdout.includes('\n') || program.#process.exitCode !== null, 'the first line')
    if (!program.stdout.includes('\n')) throw new Error(`it ended: ${program.stderr}`)
    return program
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** How it ended, with all that it wrote. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const code = await this.#process.exited
    await this.#written
    return { code, stdout: this.stdout, stderr: this.stderr }
  }
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }))
}
