import type { RecoveryQuestion } from './server.ts'

/** The server in a process of its own. */
export class Child {
  readonly #answers: ((answer: number) => void)[] = []
  readonly #process: Bun.Subprocess

  private constructor() {
    this.#process = Bun.spawn([process.execPath, `${import.meta.dir}/server.ts`], {
      cwd: `${import.meta.dir}/../../..`,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit'],
      ipc: (answer: number) => this.#answers.shift()?.(answer),
    })
  }

  port = 0

  static async start(): Promise<Child> {
    const child = new Child()
    child.port = await child.#next()
    return child
  }

  ask(question: RecoveryQuestion): Promise<number> {
    const answer = this.#next()
    this.#process.send(question)
    return answer
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }

  #next(): Promise<number> {
    return new Promise((resolve) => this.#answers.push(resolve))
  }
}
