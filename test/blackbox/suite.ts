import { after, afterEach, before, describe, it } from 'node:test'
import { WireClient } from '../support/tcp.ts'
import { channels } from './cases/channels.ts'
import { closing } from './cases/closing.ts'
import { frames } from './cases/frames.ts'
import { handshake } from './cases/handshake.ts'
import { http } from './cases/http.ts'
import { order } from './cases/order.ts'
import { process } from './cases/process.ts'
import { rooms } from './cases/rooms.ts'
import { type RuntimeName, type Server, Starter } from './server.ts'
import type { Declare, Subject } from './subject.ts'
import { can } from './table.ts'

/** Far above what any case takes; processes start in it. */
const PATIENCE = { timeout: 30_000 }

/**
 * The suite: a server on a runtime, as a process of its own, seen from plain TCP sockets. All runtimes have the same cases; where
 * docs/runtimes.md says that one cannot do what a case needs, the case is what it does instead.
 */
export function blackBox(name: RuntimeName): void {
  describe(`a server on ${name}, seen from plain sockets`, () => {
    let starter: Starter | undefined
    let server: Server | undefined
    const clients: WireClient[] = []

    before(async () => {
      starter = new Starter(name)
      server = await starter.start()
    }, PATIENCE)
    after(() => starter?.end(), PATIENCE)
    afterEach(() => {
      for (const client of clients.splice(0)) client.destroy()
    })

    const subject: Subject = {
      get starter() {
        return starter as Starter
      },
      place: (app) => (server as Server).place(app),
      async open(path, headers, app) {
        const client = await WireClient.open(subject.place(app), path, headers)
        clients.push(client)
        return client
      },
    }
    const declare: Declare = (what, run, exception) => {
      if (exception === undefined || can(name, exception.row)) it(what, PATIENCE, run)
      else it(`${what} [docs/runtimes.md: ${exception.row}]`, PATIENCE, exception.instead)
    }

    describe('the handshake', () => handshake(declare, subject))
    describe('frames', () => frames(declare, subject))
    describe('closing', () => closing(declare, subject))
    describe('order and limits', () => order(declare, subject))
    describe('rooms', () => rooms(declare, subject))
    describe('channels', () => channels(declare, subject))
    describe('HTTP', () => http(declare, subject))
    describe('the process', () => process(declare, subject))
  })
}
