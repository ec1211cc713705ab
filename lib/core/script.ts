/** Where an app serves the client to pages without a bundler. */
export const SCRIPT_PATH = '/partyline.js'

/** The client as one script, with what lets a browser keep it until it changes. */
export class ClientScript {
  #loaded: Promise<{ text: string; tag: string }> | undefined

  /** Answers a request for it. */
  async answer({ method, headers }: Request): Promise<Response> {
    // Loaded when first asked for: most apps bundle their clients.
    this.#loaded ??= load()
    const { text, tag } = await this.#loaded
    const head = { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache', etag: tag }
    if (headers.get('if-none-match') === tag) return new Response(null, { status: 304, headers: head })
    return new Response(method === 'HEAD' ? null : text, { headers: head })
  }
}

async function load(): Promise<{ text: string; tag: string }> {
  const { clientScript } = await import('../assets/client-script.ts')
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(clientScript))
  const hex = Array.from(new Uint8Array(digest).slice(0, 12), (byte) => byte.toString(16).padStart(2, '0'))
  return { text: clientScript, tag: `"${hex.join('')}"` }
}
