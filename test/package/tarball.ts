import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')

/** Runs a command to its end. Throws with what it wrote where it fails. */
export function run(command: string, args: readonly string[], cwd: string): string {
  // Of what npm tells the scripts that it runs, nothing is meant for an npm in another folder.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_SCRIPTS.test(name)))
  // On Windows npm is a script, which only a shell can start.
  const shell = process.platform === 'win32'
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    shell,
    encoding: 'utf8',
  })
  if (status === 0) return stdout
  throw new Error(
    `${command} ${args.join(' ')} ended with ${signal ?? status}:\n${error ?? ''}${stdout}${stderr}`,
  )
}

const OF_SCRIPTS = /^(?:npm_(?:package|lifecycle|config_local_prefix)|INIT_CWD|NODE_PATH|NODE_OPTIONS)/i

/** Builds the package and packs it, as `npm publish` does, into a folder; leaves nothing in the checkout. Returns its path. */
export function pack(folder: string): string {
  const staged = join(folder, 'package')
  mkdirSync(staged)
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
    cpSync(join(root, name), join(staged, name))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  // The build checks the types too, which the test command need not do again.
  run('node', [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(staged, 'dist')], root)
  // It prints what it named the file.
  return join(
    folder,
    run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], staged).trim(),
  )
}
