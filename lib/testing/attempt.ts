import type { ClientEnd, NetworkLine } from './line.ts'

/** The app took a client not in. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly response: Response

  constructor(message: string, response: Response) {
    super(message)
    this.response = response
  }

  /** The status of HTTP. */
  get status(): number {
    return this.response.status
  }
}

/** What becomes of somebody's first line. */
export class Attempt {
  /** Once it has begun. */
  line: NetworkLine | undefined
  /** Why it will not be open any more: in words, or the response that refused. */
  failure: string | Response | undefined

  get hasBegun(): boolean {
    return this.line !== undefined
  }

  begin(line: NetworkLine): NetworkLine {
    this.line = line
    return line
  }

  /** The same end, watched. */
  watch(end: ClientEnd): ClientEnd {
    return {
      opened: (subprotocol) => end.opened(subprotocol),
      message: (payload) => end.message(payload),
      refused: (response) => {
        this.failure = response ?? 'nobody is there: the network is down, or the app was stopped'
        end.refused(response)
      },
      closed: (reason) => {
        this.failure = `the line was closed with ${reason.code} ${reason.reason}`.trim()
        end.closed(reason)
      },
    }
  }

  giveUp(): void {
    this.failure = 'no answer came: is an authenticator waiting for time to pass, or the network stalled?'
  }

  async error(name: string): Promise<Error> {
    const { failure } = this
    if (!(failure instanceof Response)) return new Error(`${name} could not connect: ${failure}`)
    return new Refused(`${name} was refused with ${failure.status}: ${await failure.clone().text()}`, failure)
  }
}
