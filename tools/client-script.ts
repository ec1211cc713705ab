/**
 * Writes lib/assets/client-script.ts: partyline/client with all that it imports, as one script for a page. To be run after
 * every change of lib/client: `bun run tools/client-script.ts`. A test fails where it was forgotten.
 */
const place = `${import.meta.dir}/../lib/assets/client-script.ts`

/** The text of the file, made anew. */
export async function makeClientScript(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [`${import.meta.dir}/../lib/client/script.ts`],
    target: 'browser',
    format: 'iife',
    minify: true,
  })
  const script = (await outputs[0]?.text()) ?? ''
  return [
    '// Made by tools/client-script.ts from lib/client; not to be edited.',
    '/** partyline/client for a page without a bundler: it leaves one name behind, `partyline`. */',
    `export const clientScript: string = ${JSON.stringify(script)}`,
    '',
  ].join('\n')
}

if (import.meta.main) await Bun.write(place, await makeClientScript())
