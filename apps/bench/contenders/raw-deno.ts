import { ready } from '../control.ts'

/** The work of raw.ts as one writes it by hand for Deno. */
interface Frame {
  event: string
  data: unknown
  id: number
}

interface DenoGlobal {
  serve(options: object, handler: (request: Request) => Response): unknown
  upgradeWebSocket(request: Request): { socket: WebSocket; response: Response }
}

const { Deno } = globalThis as unknown as { Deno: DenoGlobal }
const members = new Set<WebSocket>()

Deno.serve(
  { port: 0, hostname: '127.0.0.1', onListen: ({ port }: { port: number }) => ready(port) },
  (request) => {
    if (new URL(request.url).pathname !== '/bench') return new Response(null, { status: 404 })
    const { socket, response } = Deno.upgradeWebSocket(request)
    socket.onmessage = ({ data }) => handle(socket, data)
    socket.onclose = () => members.delete(socket)
    return response
  },
)

function handle(ws: WebSocket, message: string): void {
  const { event, data, id } = JSON.parse(message) as Frame
  switch (event) {
    case 'echo':
      ws.send(JSON.stringify({ event: 'echo', data }))
      break
    case 'request':
      ws.send(JSON.stringify({ ack: id, data }))
      break
    case 'later':
      setTimeout(() => ws.send(JSON.stringify({ ack: id, data })))
      break
    case 'join':
      members.add(ws)
      ws.send(JSON.stringify({ ack: id }))
      break
    case 'broadcast':
      broadcast(data as { times: number; text: string })
      break
  }
}

function broadcast({ times, text }: { times: number; text: string }): void {
  for (let n = 0; n < times; n++) {
    const payload = JSON.stringify({ event: 'tick', data: { n, text } })
    for (const member of members) if (member.readyState === WebSocket.OPEN) member.send(payload)
  }
}
