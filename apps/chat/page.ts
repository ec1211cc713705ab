const files: Record<string, string> = { '/': 'index.html', '/style.css': 'style.css', '/chat.js': 'chat.js' }

/** Serves the page of the chat, and nothing else of the disk. */
export function page(request: Request): Response {
  const name = files[new URL(request.url).pathname]
  if (name === undefined) return new Response('not found', { status: 404 })
  return new Response(Bun.file(new URL(`./page/${name}`, import.meta.url)))
}
