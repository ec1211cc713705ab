import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { nestTests } from './nest.ts'

nestTests(12, 'node')
nestTests(12, 'bun')

// The rest of this repository is compiled with those of version 11, which npm puts into the root.
test('the types of partyline/nestjs, and of what uses it, agree with those of NestJS 12', () => {
  const root = join(import.meta.dir, '../..')
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root)
  const nest = join(import.meta.dir, 'nest-12/node_modules/@nestjs')
  const fixtures = readdirSync(join(import.meta.dir, 'fixtures')).map((name) => `test/hosts/fixtures/${name}`)
  const program = ts.createProgram(
    ['lib/nestjs/mod.ts', ...fixtures].map((path) => join(root, path)),
    { ...options, paths: { ...options.paths, '@nestjs/*': [join(nest, '*')] } },
  )
  const files = program.getSourceFiles().map(({ fileName }) => fileName)
  expect(files.filter((path) => path.includes('@nestjs') && !path.startsWith(nest))).toEqual([])
  expect(files).toContain(join(nest, 'common/index.d.ts'))
  const complaints = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)
  expect(complaints).toEqual([])
}, 60_000)
