import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { closeCode } from '../support/tcp.ts'
import { until } from '../support/until.ts'
import { programOf } from './guide.ts'
import { PATIENCE } from './host.ts'
import type { Program } from './program.ts'
import { type Platform, Project } from './project.ts'
import { Served } from './served.ts'

const ANN = { 'x-user': 'ann' }

/** The platforms that Nest has for HTTP. */
const HTTP = ['express', 'fastify']

/** What Nest tells, in its order: all that a gateway may need is there when it begins, and when it ends. */
const START = ['onModuleInit', 'onApplicationBootstrap'].flatMap((hook) => [
  `Cats: ${hook}`,
  `AppModule: ${hook}`,
  `CatsGateway: ${hook}`,
])
const END = [
  ...['CatsGateway: onModuleDestroy', 'Cats: onModuleDestroy', 'AppModule: onModuleDestroy'],
  ...['CatsGateway', 'Cats', 'AppModule'].map((name) => `${name}: beforeApplicationShutdown by SIGTERM`),
  'CatsGateway: a client left',
  ...['CatsGateway', 'Cats', 'AppModule'].map((name) => `${name}: onApplicationShutdown by SIGTERM`),
]

/** Puts the programs of `fixtures` to a version of Nest, on a platform. */
export function nestTests(version: 11 | 12, platform: Platform): void {
  describe(`NestJS ${version} on ${platform}`, () => {
    let project: Project
    const started: Program[] = []

    function run(name: string, ...args: string[]): Program {
      const program = project.start(platform, `test/hosts/fixtures/${name}`, ...args)
      started.push(program)
      return program
    }

    async function serve(name: string, ...args: string[]): Promise<Served> {
      const program = run(name, ...args)
      return new Served(program, await program.port())
    }

    beforeAll(async () => {
      project = await Project.install(`nest-${version}`)
      for (const folder of ['apps/chat', 'apps/shared', 'test/hosts/fixtures']) project.addFolder(folder)
    }, PATIENCE)

    afterAll(() => {
      for (const program of started) program.kill('SIGKILL')
      project.remove()
    })

    describe.each(HTTP)('with %s one port has', (http) => {
      let nest: Served
      beforeAll(async () => {
        nest = await serve('nest-app', http)
      }, PATIENCE)

      const text = async (path: string): Promise<string> => (await nest.get(path)).text()

      test('its own pages, of that version', async () => {
        expect(await text('/')).toBe('a page of mine')
        expect(await text('/version')).toStartWith(`${version}.`)
        expect((await nest.get('/elsewhere')).status).toBe(404)
      })

      // The option was taken and did nothing: the path was Nest's, which answered 404.
      test('what takes messages by HTTP, at its path', async () => {
        const answer = await nest.post('/publish', '{}')
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      })

      test('gateways that are given its providers, and so are their guards, middleware and authenticators', async () => {
        const ann = await nest.connect('/live/cats', ANN)
        expect(await ann.ask('{"event":"list","id":1}')).toBe(
          '{"ack":1,"data":[[["Tom"],"welcome","late","ann","welcome"],"welcome"]}',
        )
        expect((await nest.knock('/live/cats')).status).toBe(403)
        const bob = await nest.connect('/live/dogs')
        expect(await bob.ask('{"event":"bark","id":1}')).toBe('{"ack":1,"data":"woof"}')
        for (const client of [ann, bob]) client.close()
      })

      test("a module of Partyline's, as it is", async () => {
        const ann = await nest.connect('/live/chat')
        expect(await ann.ask('{"event":"sign_in","data":{"name":"Ann"},"id":1}')).toBe(
          '{"ack":1,"data":{"name":"Ann"}}',
        )
        ann.send('{"event":"join","data":{"room":"tea"},"id":2}')
        expect(await ann.take(2)).toEqual([
          expect.stringContaining('{"event":"joined","data":{"room":"tea","name":"Ann"}'),
          '{"ack":2}',
        ])
        ann.close()
      })

      test('services that reach the gateways, and the app', async () => {
        const [ann, bob] = [await nest.connect('/live/cats', ANN), await nest.connect('/live/dogs')]
        const answer = await nest.post('/headlines/snow', '')
        expect((await answer.json())?.slice(0, 2)).toEqual(['/live/cats', '/live/chat'])
        expect(await ann.next()).toBe('{"event":"headline","data":"snow"}')
        expect(await bob.flushed()).toEqual([])
        expect(JSON.parse(await text('/sockets'))).toMatchObject({ barks: 'woof' })
        for (const client of [ann, bob]) client.close()
      })

      test('no gateway at any other path', async () => {
        for (const path of ['/elsewhere', '/cats', '/live/../cats'])
          expect((await nest.knock(path)).status).toBe(404)
      })

      test(
        "its lifecycle: hooks in Nest's order, handlers that finish, 1001, and the end",
        async () => {
          const ann = await nest.connect('/live/cats', ANN)
          const mute = await nest.connectMute('/live/dogs')
          ann.send('{"event":"stay","id":1}')
          await ann.flushed()
          nest.program.kill('SIGTERM')
          expect(await ann.take(2)).toEqual(['{"event":"last call","args":[]}', '{"ack":1,"data":"stayed"}'])
          expect((await ann.closed()).code).toBe(1001)
          expect(closeCode(await mute.next())).toBe(1001)
          // Before ws would give up waiting for its answer.
          await until(() => mute.ended, 'the end of the line')
          // Nest ends itself by the same signal.
          expect(await nest.program.ended()).toBeNull()
          const told = nest.program.stdout.split('\n').filter((line) => /^\w+: /.test(line))
          expect(told.filter((line) => !line.includes('client left'))).toEqual(
            [...START, ...END].filter((line) => !line.includes('client left')),
          )
          expect(told.slice(-END.length)).toEqual(END)
          expect(nest.program.stderr).toBe('')
        },
        PATIENCE,
      )
    })

    test.each(HTTP)(
      'with %s its own adapter for websockets goes on beside, and its logger is told what goes wrong',
      async (http) => {
        const nest = await serve('nest-app', http, 'ws')
        const [ann, bob] = [await nest.connect('/nest'), await nest.connect('/live/dogs')]
        expect(await ann.ask('{"event":"hello"}')).toBe('{"event":"hello","data":"Nest\'s"}')
        expect(await bob.ask('{"event":"bark","id":1}')).toBe('{"ack":1,"data":"woof"}')
        // The adapter ends what is nobody's.
        await expect(nest.connect('/elsewhere')).rejects.toThrow()
        expect(await bob.ask('{"event":"bite","id":2}')).toContain('INTERNAL')
        nest.program.kill('SIGTERM')
        expect((await bob.closed()).code).toBe(1001)
        expect(await nest.program.ended()).toBeNull()
        const [logged = '', trace = ''] = nest.program.stderr.split('\n')
        expect(logged).toMatch(/ ERROR \[Partyline\] .*gateway=DogsGateway, event=bite, .*error=Error: ouch/)
        expect(trace).toContain('Error: ouch')
      },
      PATIENCE,
    )

    test(
      'without HTTP the app listens by itself; its options may come from providers',
      async () => {
        await listensByItself(await serve('nest-context'))
      },
      PATIENCE,
    )

    if (platform === 'node') {
      test(
        "the same, compiled to CommonJS as Nest's own tools do",
        async () => {
          const program = project.start('node with CommonJS', 'test/hosts/fixtures/nest-context')
          started.push(program)
          await listensByItself(new Served(program, await program.port()))
        },
        PATIENCE,
      )
    }

    test(
      "the guide's gateway, before and after it moved, says the same to the same client",
      async () => {
        for (const name of ['history', 'chat.gateway', 'app.module', 'before'])
          project.add(`guide/${name}`, programOf('nestjs', `${name}.ts`))
        const main = programOf('nestjs', 'main.ts')
          .replace('(AppModule)', "(AppModule, { logger: ['error'] })")
          .replace('3000', '0')
        project.add('guide/main', `${main}\nconsole.log(await nest.getUrl())`)
        project.add('guide/before.main', BEFORE)
        for (const name of ['main', 'before.main']) {
          const program = project.start(platform, `guide/${name}`)
          started.push(program)
          const nest = new Served(program, await program.port())
          const ann = await nest.connect('/chat')
          expect(await ann.next()).toBe('{"event":"history","data":[]}')
          ann.send('{"event":"say","data":"hi"}')
          expect(await ann.take(2)).toEqual(['{"event":"said","data":"hi"}', '{"event":"heard","data":1}'])
          // The same again and nothing at all are refused; of which Nest 11 tells nobody.
          for (const text of ['hi', '', 'ho']) ann.send(`{"event":"say","data":"${text}"}`)
          const told: unknown[] = []
          while (told.at(-1) !== '{"event":"heard","data":1}') told.push(await ann.next())
          expect(told.filter((message) => String(message).startsWith('{"event":"said"'))).toEqual([
            '{"event":"said","data":"ho"}',
          ])
          expect(program.stderr).toBe('')
          if (name === 'before.main') continue
          expect((await nest.post('/announcements/tea', '')).status).toBe(204)
          expect(await ann.next()).toBe('{"event":"announced","data":"tea"}')
        }
      },
      PATIENCE,
    )

    test(
      'mistakes are told when the application is created, and leave nothing running',
      async () => {
        const program = run('nest-mistakes')
        expect(await program.ended()).toBe(0)
        expect(program.stdout).toBe(MISTAKES)
        expect(program.stderr).toBe('')
      },
      PATIENCE,
    )
  })
}

async function listensByItself(nest: Served): Promise<void> {
  const [ann, bob] = [await nest.connect('/live/cats'), await nest.connect('/live/dogs')]
  expect(await ann.ask('{"event":"where","id":1}')).toBe('{"ack":1,"data":"/live"}')
  // Of what Nest's @Optional() stands on, what is there.
  expect(await ann.ask('{"event":"optional","id":2}')).toBe(
    '{"ack":2,"data":[null,null,"no motto",true,"blub","/live/cats"]}',
  )
  expect(await bob.ask('{"event":"bark","id":1}')).toBe('{"ack":1,"data":"woof"}')
  expect((await nest.get('/healthz')).status).toBe(200)
  expect(nest.program.stdout).toStartWith('/live/cats at port')
  nest.program.kill('SIGTERM')
  for (const client of [ann, bob]) expect((await client.closed()).code).toBe(1001)
  expect(await nest.program.ended()).toBeNull()
  expect(nest.program.stderr).toBe('')
}

/** Starts the guide's gateway as it was. */
const BEFORE = `
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { ChatGateway, NoEcho } from './before.ts'
import { History } from './history.ts'

@Module({ providers: [ChatGateway, History, NoEcho] })
class AppModule {}

const nest = await NestFactory.create(AppModule, { logger: ['error'] })
nest.useWebSocketAdapter(new WsAdapter(nest))
await nest.listen(0)
console.log(await nest.getUrl())
`

const MISTAKES = `PerRequest:
Cats ← CatsGateway could not be built: Nest makes one for each request or for each who asks, and gateways live without \
requests. Give it, and all that it needs, Nest's default scope; or list one of Partyline's in the "providers" of PartylineModule.
Unprovided:
Cats is marked with Nest's @Injectable(), and no module of Nest's provides it. Add it to the "providers" of one; or to those of \
PartylineModule, to have Partyline build it.
Leftovers:
1. @UseGuards on Moved is Nest's, and has no effect here. Put @Guard in its place.
2. @WebSocketGateway on Moved is Nest's, and has no effect here. Take it out.
3. @UseGuards on Moved.say is Nest's, and has no effect here. Put @Guard in its place.
4. @SubscribeMessage on Moved.say is Nest's, and has no effect here. Put @On in its place.
5. the decorators of Moved.say's parameters are Nest's, and have no effect here: a handler is given (socket, data). Take them out.
6. nobody calls Moved.afterInit. Call it onModuleInit, or give it another name.
7. nobody calls Moved.handleConnection. Mark it with @OnOpen, or give it another name.
8. nobody calls Moved.handleDisconnect. Mark it with @OnClose, or give it another name.
Fields:
1. DogsGateway is among the providers of Nest's module Fields, which would make a second one that serves nobody. Take it out \
there: what needs the gateway asks for contextOf(DogsGateway).
2. DogsGateway.motd carries Nest's @Inject, which Partyline heeds on constructors' parameters only. Move it there, or have the \
field ask: motd = inject("MOTD").
3. InField.dogs carries Nest's @Inject, which Partyline heeds on constructors' parameters only. Move it there, or have the field \
ask: dogs = inject(Dogs).
Twice:
PartylineModule.forRoot() is imported 2 times, and each would be an app of its own. Import it once, with all gateways, in the \
root module of the application.
Nothing:
the app has no gateway: list one in the "gateways" of a module, or give one to createApp.
Broken:
FishGateway could not be built: no fish today
closed
`
