import { readFile } from 'node:fs/promises'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/** What all pages share, at `/shared/`: their look, and how they show a line and what comes over it. */
const SHARED = ['base.css', 'hero.css', 'panel.css', 'page.js']

/**
 * Serves a page: the files that are named, from its folder, `index.html` at `/`; what all pages share; and nothing else of
 * the disk. They are read each time, so that who changes one needs to reload only.
 */
export function servePage(folder: URL, names: readonly string[]): (request: Request) => Promise<Response> {
  const files = new Map([
    ...names.map((name) => [name === 'index.html' ? '/' : `/${name}`, new URL(name, folder)] as const),
    ...SHARED.map((name) => [`/shared/${name}`, new URL(`./page/${name}`, import.meta.url)] as const),
  ])
  return async ({ url }) => {
    const file = files.get(new URL(url).pathname)
    if (file === undefined) return new Response('not found', { status: 404 })
    const type = types[file.pathname.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
    return new Response(await readFile(file, 'utf8'), { headers: { 'content-type': type } })
  }
}
