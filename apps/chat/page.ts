import { readFile } from 'node:fs/promises'
import { servePage } from '../shared/serve.ts'

const files = servePage(new URL('./page/', import.meta.url), [
  ...['index.html', 'style.css'],
  ...['chat.js', 'line.js', 'rooms.js', 'socketio.js'],
])

/** Where Socket.IO's own server has it, so that its pages find it. */
const SOCKETIO_CLIENT = '/socket.io/socket.io.js'

/** Serves the page of the chat: at `/` over partyline/client, at `/socketio` over the client of Socket.IO. */
export function page(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === SOCKETIO_CLIENT) return socketioClient()
  return files(pathname === '/socketio' ? new Request(new URL('/', request.url)) : request)
}

/** The script as its package has it. Without that package all else goes on. */
async function socketioClient(): Promise<Response> {
  try {
    const file = new URL(import.meta.resolve('socket.io-client/dist/socket.io.js'))
    return new Response(await readFile(file), {
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    })
  } catch {
    return new Response('not found: npm install socket.io-client', { status: 404 })
  }
}
