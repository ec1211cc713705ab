// A client that knows nothing but the README of the chat: it sends and expects the frames that stand there.
import { afterAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as events from '../../apps/chat/events.ts'
import { readPage } from '../docs/markdown.ts'
import { root } from '../docs/pages.ts'
import { play } from '../docs/play.ts'
import { PATIENCE, Program } from '../docs/program.ts'
import { readScript } from '../docs/script.ts'
import { Snippets } from '../docs/snippets.ts'

const readme = readPage('apps/chat/README.md', readFileSync(join(root, 'apps/chat/README.md'), 'utf8'))
const blocks = readme.blocks.filter(({ info }) => info.startsWith('frames '))

// The chat itself, but for its log.
const quiet = `
\`\`\`ts
import { run } from 'partyline'
import { createChat } from ${JSON.stringify(join(root, 'apps/chat/app.ts'))}
import { LOG } from ${JSON.stringify(join(root, 'apps/chat/log.ts'))}

await run(createChat({ providers: [{ provide: LOG, useValue: () => {} }] }))
\`\`\`
`
const programs = new Snippets([readPage('quiet.md', quiet)])
afterAll(() => programs.remove())

describe('what the README says of the wire is what happens', () => {
  test.each(blocks.map((block) => [`${block.headings.at(-1)}, line ${block.line}`, block] as const))(
    '%s',
    async (_, { info, text, line }) => {
      const program = new Program(programs.all[0]!.path, ['run'], ['--port', '0'])
      try {
        await play(readScript(text, info.split(' ')[1] ?? '/', line), program)
      } finally {
        await program.kill()
      }
    },
    4 * PATIENCE,
  )
})

const names = (heading: string): string[] =>
  (readme.rows.get(heading) ?? []).map(([cell = '']) => cell.replaceAll('`', ''))

test('its tables name every event, each with the members of its data, and every frame that is played is in them', () => {
  const fields = (heading: string) =>
    (readme.rows.get(heading) ?? []).map(([name = '', data = '']) => [
      name.replaceAll('`', ''),
      /\{(.*?)\}/.exec(data)?.[1]?.split(', '),
    ])
  const told = Object.fromEntries([...fields('From a client'), ...fields('To everybody in a room')])
  const known = Object.values(events).map(({ name, shape }) => [name, Object.keys(shape.data.shape)])
  expect(told).toEqual(Object.fromEntries(known))

  const frames = blocks.flatMap(({ text }) => text.split('\n'))
  const sent = frames.flatMap((line) => /^\w*> .*"event":"(\w+)"/.exec(line)?.[1] ?? [])
  const received = frames.flatMap((line) => /^\w*< \{"event":"(\w+)"/.exec(line)?.[1] ?? [])
  expect(new Set(sent)).toEqual(new Set([...names('From a client'), 'dance']))
  expect(new Set(received)).toEqual(new Set(names('To everybody in a room')))
})

test('every code that is played is in its table of errors', () => {
  const played = blocks.flatMap(({ text }) => [...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code))
  expect(played.length).toBeGreaterThan(8)
  expect(played.filter((code) => !names('Errors').includes(code ?? ''))).toEqual([])
})
