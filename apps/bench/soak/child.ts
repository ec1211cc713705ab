/** A process beside the soak's own: it says something once it is ready, and then answers in the order in which it is asked. */
export class Child<Question extends string = never> {
  readonly #waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = []
  readonly #process: Bun.Subprocess
  #isGone = false

  /** `file` is one of this folder. */
  constructor(file: string, ...args: (string | number)[]) {
    this.#process = Bun.spawn([process.execPath, `${import.meta.dir}/${file}`, ...args.map(String)], {
      cwd: `${import.meta.dir}/../../..`,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit'],
      ipc: (answer) => this.#waiting.shift()?.resolve(answer),
      onExit: () => {
        this.#isGone = true
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(`soak/${file} has ended`))
      },
    })
  }

  /** What it says when it is ready. */
  ready<T>(): Promise<T> {
    return this.#next<T>()
  }

  ask<T>(question: Question): Promise<T> {
    const answer = this.#next<T>()
    if (!this.#isGone) this.#process.send(question)
    return answer
  }

  /** Stops it where it is: the system keeps its connections, and nobody reads or writes on them any more. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }

  #next<T>(): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#isGone) reject(new Error('a process of the soak has ended'))
      else this.#waiting.push({ resolve, reject })
    }) as Promise<T>
  }
}
