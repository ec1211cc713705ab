// @ts-check
// Imports every entry of the built package under Node, by its public name: a specifier that only Bun or a bundler can
// resolve, or a global that only Bun has, breaks here and not at a user's.
import { readFileSync } from 'node:fs'

const { name, exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
for (const entry of Object.keys(exports).filter((entry) => !entry.endsWith('.json'))) {
  const specifier = name + entry.slice(1)
  const names = Object.keys(await import(specifier))
  if (names.length === 0) throw new Error(`${specifier} exports nothing`)
  console.log(`${specifier} on Node ${process.versions.node}: ${names.length} exports`)
}
