import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { built } from './stage.ts'
import type { Client } from './suite.ts'

const root = join(import.meta.dir, '../../..')

/** Clients on a runtime that is a command, in a process of their own for each server. */
export async function program(command: string): Promise<Client> {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-socketio-'))
  const file = join(folder, 'program.mjs')
  writeFileSync(file, await built('program.ts', 'node'))
  return {
    async run(server, control) {
      const child = Bun.spawn([command, file, server, control], { cwd: root, stdout: 'pipe', stderr: 'pipe' })
      const [out, error] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ])
      if (out === '') throw new Error(`the client ended with ${await child.exited}: ${error}`)
      return JSON.parse(out)
    },
    end: async () => rmSync(folder, { recursive: true }),
  }
}
