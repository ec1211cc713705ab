import { afterAll, expect, test } from 'bun:test'
import { programOf } from './guide.ts'
import { hostTests, PATIENCE } from './host.ts'
import { Project } from './project.ts'
import { Served } from './served.ts'

hostTests('node:http by hand', { program: 'node', platform: 'node' })

const ends: (() => void)[] = []
afterAll(() => {
  for (const end of ends) end()
})

test(
  'node:http with several apps has the paths of all, and no other',
  async () => {
    const project = await Project.install()
    ends.push(() => project.remove())
    project.add('gateways', programOf('hosts', 'gateways.ts'))
    project.add('several', programOf('hosts', 'several.ts').replace('3000', '0'))
    const program = project.start('node', 'several')
    ends.push(() => program.kill('SIGKILL'))
    const served = new Served(program, await program.port())
    const chat = await served.connect('/chat')
    expect(await chat.ask('{"event":"say","data":"hi","id":1}')).toBe('{"event":"said","data":"hi"}')
    await served.connect('/news')
    expect((await served.knock('/elsewhere')).status).toBe(404)
    expect((await served.get('/news')).status).toBe(426)
    expect((await served.get('/elsewhere')).status).toBe(404)
  },
  PATIENCE,
)
