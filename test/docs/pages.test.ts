import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { closeCodes, errorCodes } from 'partyline'
import { defaultLimits } from '../../lib/core/limits.ts'
import manifest from '../../package.json'
import { anchorOf, type Page } from './markdown.ts'
import { comments, root, texts } from './pages.ts'

const page = (path: string): Page => texts.find((one) => one.path === path) as Page
const rowsOf = (path: string, heading: string): string[][] => page(path).rows.get(heading) ?? []
const plain = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '')

describe('links', () => {
  const links = texts.flatMap(({ path, links }) =>
    links.map(({ target, line }) => [`${path}:${line}`, path, target] as const),
  )
  const within = links.filter(([, , target]) => !/^\w+:/.test(target))

  test('there are some', () => {
    expect(within.length).toBeGreaterThanOrEqual(30)
  })

  test.each(within)('at %s, in %s, %s leads somewhere', (_, path, target) => {
    const [file = '', anchor] = target.split('#')
    const goal = file === '' ? path : join(dirname(path), file)
    expect(existsSync(join(root, goal))).toBe(true)
    if (anchor !== undefined) expect(page(goal).headings.map(anchorOf)).toContain(anchor)
  })
})

describe('tables of the wire say what the code does', () => {
  test('error codes, and whether trying again helps', () => {
    const written = rowsOf('docs/errors.md', 'Error codes').map(([code, , retry]) => [plain(code), retry])
    expect(written).toEqual(
      Object.entries(errorCodes).map(([code, { retry }]) => [code, retry ? 'yes' : 'no']),
    )
  })

  test('close codes, and whether to come back', () => {
    const written = rowsOf('docs/protocol.md', 'Close codes').map(([name, code, , back]) => [
      plain(name),
      code,
      back,
    ])
    expect(written).toEqual(
      Object.entries(closeCodes).map(([name, { code, reconnect }]) => [
        name,
        `${code}`,
        reconnect ? 'yes' : 'no',
      ]),
    )
  })

  test('limits, and their defaults', () => {
    const written = rowsOf('docs/limits.md', 'Limits').map(([name, value]) => [
      plain(name),
      value === 'none' ? Number.POSITIVE_INFINITY : Number(value?.replaceAll(',', '')),
    ])
    expect(written).toEqual(Object.entries(defaultLimits))
    expect(written.length).toBe(Object.keys(defaultLimits).length)
  })
})

describe('heritage', () => {
  const series = (letter: string, length: number) => Array.from({ length }, (_, i) => `${letter}${i + 1}`)
  const all = [
    ['T', 12] as const,
    ['W', 6] as const,
    ['R', 11] as const,
    ['S', 9] as const,
    ['C', 6] as const,
  ].flatMap(([letter, length]) => series(letter, length))
  const { headings, blocks } = page('docs/heritage.md')
  const delivered = headings.flatMap((heading) => /^([A-Z]\d+) · /.exec(heading)?.[1] ?? [])
  const planned = rowsOf('docs/heritage.md', 'Planned').flatMap(([ids = '']) => {
    const [, letter = '', from, to] = /^([A-Z])(\d+) to \1(\d+)$/.exec(ids) ?? []
    return letter === '' ? ids.split(', ') : series(letter, Number(to)).slice(Number(from) - 1)
  })

  test('every row is either there or planned', () => {
    expect([...delivered, ...planned].sort()).toEqual(all.sort())
  })

  test.each(delivered)('%s has a program, and what it does', (id) => {
    const below = blocks.filter(({ headings }) => headings.at(-1)?.startsWith(`${id} · `))
    const languages = below.map(({ info }) => info.split(' ')[0])
    expect(languages).toContain('ts')
    expect(languages.some((language) => language === 'frames' || language === 'stderr')).toBe(true)
  })
})

test('the map in docs/architecture.md shows every file of lib, and no other', () => {
  const map = page('docs/architecture.md').blocks.find(({ headings }) => headings.at(-1) === 'The map')
  let folder = ''
  const drawn = (map?.text.split('\n') ?? []).flatMap((line) => {
    const [, indent = '', name = ''] = /^( *)(\S+)/.exec(line) ?? []
    if (indent.length <= 2) folder = name.endsWith('/') && indent !== '' ? name : ''
    return name.endsWith('.ts') ? `lib/${folder}${name}` : []
  })
  expect(drawn.sort()).toEqual(comments.map(({ path }) => path).sort())
})

test('the scripts that are to be typed exist', () => {
  const typed = texts.flatMap(({ text }) => [...text.matchAll(/\bnpm (test|start|run [\w:]+)/g)])
  const names = new Set(typed.map(([, name = '']) => name.replace('run ', '')))
  expect(names).toContain('test')
  expect([...names].filter((name) => !(name in manifest.scripts))).toEqual([])
})
