import { type EventCall, Inject, Injectable, type Middleware, type Next, token } from 'partyline'
import { LOG, type Log } from '../log.ts'

/** From how many milliseconds on an event is slow. */
export const SLOW = token<number>('SLOW')

/** Tells the log which events took long, those that failed included. */
@Injectable()
export class SlowEvents implements Middleware {
  constructor(
    @Inject(SLOW) private readonly slow: number,
    @Inject(LOG) private readonly log: Log,
  ) {}

  async handle({ event }: EventCall, next: Next): Promise<unknown> {
    const begin = performance.now()
    try {
      return await next()
    } finally {
      const took = performance.now() - begin
      if (took >= this.slow) this.log(`slow ${JSON.stringify({ event, milliseconds: Math.round(took) })}`)
    }
  }
}
