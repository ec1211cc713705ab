import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/** What a server runs on. */
export const platforms = ['bun', 'node', 'deno'] as const

export type Platform = (typeof platforms)[number]

const root = join(import.meta.dir, '../..')

/** Bundles are made inside of the project, so that they find its packages. */
const bundles = join(root, '.cache/bench')

const built = new Map<string, Promise<string>>()

/** The command that starts a server's file. Only Bun runs it as it is: for the others it is made into one script. */
export async function commandFor(platform: Platform, file: string): Promise<string[]> {
  if (platform === 'bun') return [process.execPath, file]
  let script = built.get(file)
  if (script === undefined) {
    script = bundle(file)
    built.set(file, script)
  }
  if (platform === 'node') return ['node', '--expose-gc', await script]
  const deno = join(root, 'node_modules/.bin/deno')
  return [deno, 'run', '--quiet', '--allow-net', '--allow-env', '--allow-read', '--allow-sys', await script]
}

async function bundle(file: string): Promise<string> {
  mkdirSync(bundles, { recursive: true })
  const script = join(bundles, `${basename(file, '.ts')}.mjs`)
  const command = [process.execPath, 'build', '--target=node', '--external=ws', `--outfile=${script}`, file]
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: root })
  if (exitCode !== 0) throw new Error(`${file} cannot be bundled:\n${stderr}`)
  return script
}
