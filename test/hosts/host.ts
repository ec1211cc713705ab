import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { closeCode } from '../support/tcp.ts'
import { until } from '../support/until.ts'
import { programOf } from './guide.ts'
import type { Program } from './program.ts'
import { type Platform, Project } from './project.ts'
import { Served } from './served.ts'

/** For what starts a process, in milliseconds. */
export const PATIENCE = 30_000

/** A program of docs/guide/hosts.md. */
export interface Host {
  /** The name of its file there, without the ending. */
  program: string
  platform: Platform
  /** Whether the app itself listens, and the site is its guest. */
  isGuest?: boolean
}

/** Starts the program in a process of its own, and speaks to it as clients do, by plain WebSocket and fetch. */
export function hostTests(title: string, { program: name, platform, isGuest = false }: Host): void {
  describe(title, () => {
    let project: Project
    const started: Program[] = []

    async function start(): Promise<Served> {
      const program = project.start(platform, name)
      started.push(program)
      return new Served(program, await program.port())
    }

    beforeAll(async () => {
      project = await Project.install()
      project.add('gateways', programOf('hosts', 'gateways.ts'))
      // On any free port; and with a way to stop the app while its host goes on.
      const text = programOf('hosts', `${name}.ts`).replace('3000', '0')
      project.add(name, `${text}\nprocess.on('SIGUSR2', () => app.stop())\n`)
    }, PATIENCE)

    afterAll(() => {
      for (const program of started) program.kill('SIGKILL')
      project.remove()
    })

    describe('on one port', () => {
      let served: Served
      beforeAll(async () => {
        served = await start()
      }, PATIENCE)

      test('are its own pages', async () => {
        const page = await served.get('/')
        expect([page.status, await page.text()]).toEqual([200, 'a page of mine'])
        expect((await served.get('/elsewhere')).status).toBe(404)
      })

      test('two gateways, which do not hear each other', async () => {
        const [ann, bob] = [await served.connect('/chat'), await served.connect('/news')]
        ann.send('{"event":"say","data":"hi","id":1}')
        const answers = ['{"event":"said","data":"hi"}', '{"ack":1,"data":{"heard":1}}']
        expect((await ann.take(2)).toSorted()).toEqual(answers.toSorted())
        expect(await bob.flushed()).toEqual([])
      })

      test('a route that reaches all of one gateway', async () => {
        const [ann, bob] = [await served.connect('/news'), await served.connect('/news')]
        const other = await served.connect('/chat')
        expect((await served.post('/headlines', 'snow')).status).toBe(204)
        for (const client of [ann, bob])
          expect(await client.next()).toBe('{"event":"headline","data":"snow"}')
        expect(await other.flushed()).toEqual([])
      })

      test('no gateway at any other path', async () => {
        expect((await served.knock('/elsewhere')).status).toBe(404)
      })

      test(
        'SIGTERM ends it in good order',
        async () => {
          const clients = [await served.connect('/chat'), await served.connect('/news')]
          const mute = await served.connectMute('/chat')
          served.program.kill('SIGTERM')
          for (const client of clients) expect((await client.closed()).code).toBe(1001)
          expect(closeCode(await mute.next())).toBe(1001)
          // Before ws, say, would give up waiting for its answer.
          await until(() => mute.ended, 'the end of the line')
          expect(await served.program.ended()).toBe(0)
          expect(served.program.stderr).toBe('')
        },
        PATIENCE,
      )
    })

    if (isGuest) return
    test(
      'app.stop() takes leave of its clients, and the host goes on with its own pages',
      async () => {
        const served = await start()
        const { program } = served
        const client = await served.connect('/chat')
        program.kill('SIGUSR2')
        expect((await client.closed()).code).toBe(1001)
        expect((await served.knock('/chat')).status).toBe(503)
        expect(await (await served.get('/')).text()).toBe('a page of mine')
        program.kill('SIGTERM')
        expect(await program.ended()).toBe(0)
        expect(program.stderr).toBe('')
      },
      PATIENCE,
    )
  })
}
