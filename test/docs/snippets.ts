import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import type { Block, Page } from './markdown.ts'
import { root } from './pages.ts'

/** A `ts` block: a module of its own. */
export interface Snippet {
  page: Page
  block: Block
  /** Where it was written to. */
  path: string
  /** What stands below it and is to be tried with it: `frames`, `stderr`. */
  claims: Block[]
}

/** What programs for Deno name of it. */
const DENO = `
interface DenoServeOptions {
  port?: number
  onListen?(address: { port: number }): void
}
declare const Deno: {
  serve(
    options: DenoServeOptions,
    handler: (
      request: Request,
      info: { remoteAddr: { hostname: string } },
    ) => Response | undefined | Promise<Response | undefined>,
  ): { shutdown(): Promise<void> }
  addSignalListener(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void
}
`

/**
 * The `ts` blocks of some pages, written to a folder of their own in which `partyline` is this project's lib. Those
 * of one page stand side by side, so that one can import another that was given a name with `file=`.
 */
export class Snippets {
  readonly all: Snippet[] = []
  /** Where they were written to. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'partyline-docs-'))
  readonly #deno: string

  constructor(pages: readonly Page[]) {
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'), 'junction')
    const paths = { partyline: [join(root, 'lib/mod.ts')], 'partyline/*': [join(root, 'lib/*/mod.ts')] }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions: { paths } }
    this.write('tsconfig.json', JSON.stringify(config))
    this.#deno = this.write('deno.d.ts', DENO)
    try {
      for (const page of pages) this.#read(page)
    } catch (error) {
      this.remove()
      throw error
    }
  }

  /** Writes a file; returns its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }

  /**
   * What the compiler says of all of them, as `docs/a.md:12: Cannot find name 'b'`. One program checks them together, but
   * for those that say something of all modules, which would hold for the others too.
   */
  check(): string[] {
    const json = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config
    const { options } = ts.parseJsonConfigFileContent({ ...json, files: [], include: [] }, ts.sys, root)
    const isApart = ({ block }: Snippet): boolean => block.text.includes('declare module')
    const together = this.all.filter((one) => !isApart(one))
    const groups = [together, ...this.all.filter(isApart).map((one) => [one])]
    let program: ts.Program | undefined
    return groups.flatMap((group) => {
      const paths = group.map(({ path }) => path)
      // What one has read the next need not read again.
      const current = ts.createProgram([...paths, this.#deno], options, undefined, program)
      program = current
      return group.flatMap((snippet) => complaints(snippet, current))
    })
  }

  #read(page: Page): void {
    const folder = page.path.replace(/\.\w+$/, '').replaceAll('/', '-')
    const names = new Set<string>()
    for (const block of page.blocks) {
      const [language, ...words] = block.info.split(' ')
      if (language === 'ts') {
        const name =
          words.find((word) => word.startsWith('file='))?.slice('file='.length) ?? `${block.line}.ts`
        if (names.has(name)) throw new Error(`${page.path}:${block.line}: the page has another ${name}`)
        names.add(name)
        this.all.push({ page, block, path: this.write(`${folder}/${name}`, block.text), claims: [] })
      } else if (language === 'frames' || language === 'stderr') {
        const program = this.all.findLast((one) => one.page === page && isProgram(one))
        if (program === undefined) throw new Error(`${page.path}:${block.line}: there is no program above`)
        program.claims.push(block)
      }
    }
  }
}

/** What the compiler says of one of them. */
function complaints({ page, block, path }: Snippet, program: ts.Program): string[] {
  const file = program.getSourceFile(path)
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((one) => {
    const line = file?.getLineAndCharacterOfPosition(one.start ?? 0).line ?? 0
    return `${page.path}:${block.line + line}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`
  })
}

/** Whether a snippet does something when it is started. */
export function isProgram({ block }: Pick<Snippet, 'block'>): boolean {
  return block.text.includes('createApp(') && !isTest({ block })
}

/** Whether a snippet is a test file. */
export function isTest({ block }: Pick<Snippet, 'block'>): boolean {
  return block.text.includes("from 'bun:test'")
}
