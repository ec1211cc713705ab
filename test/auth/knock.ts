import { type AnyAuthenticator, type AppOptions, Gateway, On, type Socket } from 'partyline'
import { App } from '../../lib/core/app.ts'
import { type ConnectOptions, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'

@Gateway('/desk')
export class Desk {
  @On() who({ identity }: Socket) {
    return identity
  }
}

/** An app in memory with one gateway, at `/desk`, that tells everybody who they are. */
export class Door {
  readonly log = new CollectingLogger()
  readonly app: App<MemoryRuntime>

  constructor(
    authenticate: AnyAuthenticator,
    readonly clock: HandClock = new HandClock(),
    options: AppOptions = {},
  ) {
    const all = { ...options, authenticate, clock, logger: this.log }
    this.app = new App(Desk, all, (host) => new MemoryRuntime(host))
  }

  /** Who somebody turns out to be, or the status and the error of the refusal. */
  readonly knock = async (options: ConnectOptions = {}, path = '/desk'): Promise<unknown> => {
    const client = await this.app.runtime.connect(path, options)
    if (client instanceof Response) return { status: client.status, ...((await client.json()) as object) }
    client.send('{"event":"who","id":1}')
    const answer = client.received.find((one) => String(one).startsWith('{"ack":1,'))
    client.close()
    return (JSON.parse(String(answer)) as { data?: unknown }).data
  }

  /** With a token in the Authorization header. */
  readonly bearing = (token: string): Promise<unknown> =>
    this.knock({ headers: { authorization: `Bearer ${token}` } })
}

/** A refusal with 401. */
export function refused(message: string): object {
  return { status: 401, error: { code: 'UNAUTHENTICATED', message } }
}

export const nobody: object = refused('nobody is known here')
export const failed: object = {
  status: 500,
  error: { code: 'INTERNAL', message: 'the server failed to handle this' },
}
