import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mistakes, talks, unlisted } from './expected.ts'
import { type Dialect, type Project, Projects, type Runner } from './projects.ts'

// The same source under both dialects, by every compiler that people have: `fixtures` are copied into projects, compiled
// there by who runs them (for Node by tsc), and each has to do and to say what all others do and say.

const projects = new Projects()
beforeAll(() => projects.install())
afterAll(() => projects.remove())

const runners: readonly Runner[] = ['bun', 'deno', 'node']
const dialects: readonly Dialect[] = ['legacy', 'standard']

const pairs = dialects.flatMap((own) => dialects.map((bases) => ({ own, bases })))

describe.each(runners)('%s', (runner) => {
  test.each(pairs)('$own decorators, on classes with $bases ones', async (pair) => {
    expect(await projects.run({ runner, ...pair })).toEqual({
      talks,
      mistakes,
      unlisted: pair.own === 'legacy' ? unlisted.typed : unlisted.standard,
    })
  })

  test('legacy decorators without the types of parameters', async () => {
    const project: Project = { runner, own: 'legacy', bases: 'legacy', untyped: true }
    expect(await projects.run(project)).toEqual({ talks, mistakes, unlisted: unlisted.untyped })
  })
})

test.each(["Symbol('of somebody else')", "Symbol.for('Symbol.metadata')"])(
  'where %s is Symbol.metadata already, it stays so',
  async (symbol) => {
    const project: Project = { runner: 'node', own: 'standard', bases: 'standard', symbol }
    expect(await projects.run(project)).toMatchObject({ talks })
  },
)
