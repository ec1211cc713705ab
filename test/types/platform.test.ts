import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'

// The declarations as they are published, in a project that has the web's types and those of no runtime.

const root = join(import.meta.dir, '../..')
const folder = mkdtempSync(join(tmpdir(), 'partyline-platform-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes the declarations of lib to a folder, as `npm run build` does. */
function declare(): void {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile)
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const maps = { sourceMap: false, inlineSources: false }
  const program = ts.createProgram(fileNames, {
    ...options,
    ...maps,
    outDir: folder,
    emitDeclarationOnly: true,
    noCheck: true,
  })
  program.emit()
}

/** What the compiler says of a program over these declarations, and the files that it read. */
function check(text: string): { complaints: string[]; read: string[] } {
  const main = join(folder, 'main.ts')
  writeFileSync(main, text)
  const program = ts.createProgram([main], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    strict: true,
    noEmit: true,
    experimentalDecorators: true,
    paths: { partyline: [join(folder, 'mod.d.ts')], 'partyline/*': [join(folder, '*/mod.d.ts')] },
  })
  const files = program.getSourceFiles()
  // The compiler's own libraries are not in question, and take longest.
  const own = files.filter(({ fileName }) => fileName.startsWith(folder))
  return {
    complaints: own
      .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
      .map(
        ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      ),
    read: files.map(({ fileName }) => fileName),
  }
}

test('lib is declared without the types of Bun, Deno or Node, which it needs no more than its users do', () => {
  declare()
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const { complaints, read } = check(`
    import { BunRuntime, createApp, DenoRuntime, Gateway, NodeRuntime, On, run, type Socket } from 'partyline'
    import { connect } from 'partyline/client'
    import { msgpack } from 'partyline/msgpack'
    import { testApp } from 'partyline/testing'

    @Gateway('/party')
    class Party {
      @On() echo(socket: Socket, data: unknown) {
        return data
      }
    }

    const app = createApp(Party, { codecs: [msgpack()], runtime: NodeRuntime })
    export const served: typeof BunRuntime | typeof DenoRuntime = DenoRuntime
    export const client = connect('ws://localhost:3000/party')
    export const listening = run(app)
    export const kit: unknown = testApp
  `)
  expect(complaints).toEqual([])
  expect(read.some((path) => path.endsWith('/runtime/node.d.ts'))).toBe(true)
  expect(read.filter((path) => /node_modules\/(@types|bun-types|ws)\//.test(path))).toEqual([])
}, 60_000)

test('and it would be noticed if it were not', () => {
  const { complaints } = check("export const place: NodeJS.Timeout | Bun.Server<undefined> = 'no'")
  expect(complaints.join()).toMatch(/NodeJS.*Bun/)
})
