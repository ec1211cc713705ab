import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { RuntimeName } from '../../blackbox/server.ts'
import { type CaseName, cases } from './cases.ts'
import type { Outcome } from './run.ts'
import { Stage } from './stage.ts'
import { modes } from './world.ts'

/** For processes to start, and to end. */
const PATIENCE = 60_000

/** For all cases, which in a browser run one after another. Each that waits in vain says so after a third of a minute, and is told by name. */
const ALL = 300_000

/** What runs the cases against a server. */
export interface Client {
  run(server: string, control: string): Promise<Outcome[]>
  end(): Promise<void>
}

/** Declares what clients of a platform do with the servers on all runtimes. */
export function clientTests(platform: string, begin: () => Promise<Client>): void {
  describe(`socket.io-client on ${platform}`, () => {
    const stage = new Stage()
    const runs = new Map<RuntimeName, Promise<Outcome[]>>()
    let client: Client | undefined
    beforeAll(async () => {
      const begun = begin()
      await stage.begin()
      const one = await begun
      client = one
      for (const [runtime, server] of stage.servers) runs.set(runtime, one.run(server, stage.control))
      await Promise.allSettled(runs.values())
    }, PATIENCE + ALL)
    afterAll(async () => {
      await client?.end()
      await stage.end()
    }, PATIENCE)

    describe.each([...Stage.runtimes])('with a server on %s', (runtime) => {
      let outcomes: readonly Outcome[] = []
      beforeAll(async () => {
        outcomes = (await runs.get(runtime)) ?? []
      })

      describe.each([...modes])('by %s', (mode) => {
        test.each(Object.keys(cases) as CaseName[])('%s', (name) => {
          const outcome = outcomes.find((one) => one.mode === mode && one.name === name)
          expect(outcome).toEqual({ mode, name })
        })
      })
    })
  })
}
