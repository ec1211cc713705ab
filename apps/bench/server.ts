import type { Question, Report } from './control.ts'
import { commandFor, type Platform } from './platform.ts'

const root = `${import.meta.dir}/../..`

/** A contender's server in a process of its own. */
export class Server {
  private readonly waiting: ((report: Report) => void)[] = []
  private readonly process: Bun.Subprocess<'pipe', 'pipe', 'inherit'>
  private stopping = false

  private constructor(
    command: string[],
    private readonly failed: (reason: Error) => void,
  ) {
    this.process = Bun.spawn(command, {
      // Bun takes tsconfig.json, and with it the name 'partyline', from the current directory only.
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['pipe', 'pipe', 'inherit'],
      onExit: (_, code) => {
        if (!this.stopping) this.failed(new Error(`${command.at(-1)} ended by itself with code ${code}`))
      },
    })
    void this.listen()
  }

  private async listen(): Promise<void> {
    let rest = ''
    for await (const chunk of this.process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.waiting.shift()?.(JSON.parse(line) as Report)
    }
  }

  /** The port on which it accepts connections. */
  port = 0

  /** Starts the server's file and waits until it accepts connections. */
  static async start(file: string, platform: Platform = 'bun'): Promise<Server> {
    const { promise: failure, reject } = Promise.withResolvers<never>()
    // A server that ends later is noticed by the load, whose connections are lost.
    failure.catch(() => {})
    const server = new Server(await commandFor(platform, file), reject)
    const first = await Promise.race([server.next(), failure])
    if (!('port' in first)) throw new Error(`${file} answered before it told its port`)
    server.port = first.port
    return server
  }

  async ask(question: Question): Promise<number> {
    const answer = this.next()
    this.process.stdin.write(`${question}\n`)
    this.process.stdin.flush()
    const report = await answer
    if (!('answer' in report)) throw new Error('a server told its port twice')
    return report.answer
  }

  async stop(): Promise<void> {
    this.stopping = true
    this.process.kill('SIGKILL')
    await this.process.exited
  }

  private next(): Promise<Report> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}
