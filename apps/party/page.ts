import { readFileSync } from 'node:fs'

const files: Record<string, [name: string, type: string]> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/party.js': ['party.js', 'text/javascript; charset=utf-8'],
}

/** Serves the page of the party: its markup, style and script, and nothing else of the disk. */
export function page(request: Request): Response {
  const found = files[new URL(request.url).pathname]
  if (found === undefined) return new Response('not found', { status: 404 })
  const [name, type] = found
  const body = readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
  return new Response(body, { headers: { 'content-type': type } })
}
