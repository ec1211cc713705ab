// The guide that leads away from Socket.IO's server names all that its users may have used: as its own types have it.
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dir, '../..')
const guide = readFileSync(join(root, 'docs/guide/from-socketio.md'), 'utf8')

/** The names that stand as code in the first cells of tables below a heading, or anywhere in tables. */
function namesBelow(heading?: string): Set<string> {
  const sections = guide.split(/^## /m)
  const asked = heading === undefined ? sections : sections.filter((one) => one.startsWith(`${heading}\n`))
  const cells = asked.flatMap((one) => [...one.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell))
  const codes = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, name = '']) => name))
  return new Set(codes)
}

/** The public members that a class or interface of a package declares itself. */
function membersOf(name: string, file: string): string[] {
  const text = readFileSync(join(root, 'node_modules', file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found = source.statements.find(
    (one): one is ts.ClassDeclaration | ts.InterfaceDeclaration =>
      (ts.isClassDeclaration(one) || ts.isInterfaceDeclaration(one)) && one.name?.text === name,
  )
  const all = (found?.members ?? []) as readonly (ts.ClassElement | ts.TypeElement)[]
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  const shown = all.filter(
    (one) => (ts.getCombinedModifierFlags(one as ts.Declaration) & (hidden | ts.ModifierFlags.Static)) === 0,
  )
  const names = shown.flatMap((one) => (one.name !== undefined ? [one.name.getText(source)] : []))
  return [...new Set(names)].filter((one) => !one.startsWith('_'))
}

test('the types were found', () => {
  expect(membersOf('Socket', 'socket.io/dist/socket.d.ts').length).toBeGreaterThan(30)
})

describe('it names every', () => {
  test.each([
    ['option', 'Options', 'ServerOptions', 'socket.io/dist/index.d.ts'],
    ['option of the engine', 'Options', 'ServerOptions', 'engine.io/build/server.d.ts'],
    ['option of attaching', 'Options', 'AttachOptions', 'engine.io/build/server.d.ts'],
    ['member of Server', 'Server', 'Server', 'socket.io/dist/index.d.ts'],
    ['member of Namespace', 'Namespace', 'Namespace', 'socket.io/dist/namespace.d.ts'],
    [
      'member of BroadcastOperator',
      'Namespace',
      'BroadcastOperator',
      'socket.io/dist/broadcast-operator.d.ts',
    ],
    ['member of Socket', 'Socket', 'Socket', 'socket.io/dist/socket.d.ts'],
    ['member of Client', 'Client', 'Client', 'socket.io/dist/client.d.ts'],
    ['field of a handshake', undefined, 'Handshake', 'socket.io/dist/socket-types.d.ts'],
  ])('%s', (_, heading, name, file) => {
    const members = membersOf(name, file)
    expect(members.length).toBeGreaterThan(0)
    const named = namesBelow(heading)
    const text = heading === undefined ? new Set(guide.match(/\w+/g)) : named
    expect(members.filter((one) => !text.has(one))).toEqual([])
  })
})
