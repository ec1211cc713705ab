import { ready } from '../control.ts'

/**
 * What one would write by hand on `Bun.serve` to get the same behaviour: parse, switch, answer. No routing, no
 * checking, no limits beyond Bun's own.
 */
const room = 'room'

interface Frame {
  event: string
  data: unknown
  id: number
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, server) {
    if (new URL(request.url).pathname !== '/bench') return new Response(null, { status: 404 })
    return server.upgrade(request) ? undefined : new Response(null, { status: 426 })
  },
  websocket: {
    message(ws, message) {
      const { event, data, id } = JSON.parse(message as string) as Frame
      switch (event) {
        case 'echo':
          ws.send(JSON.stringify({ event: 'echo', data }))
          break
        case 'request':
          ws.send(JSON.stringify({ ack: id, data }))
          break
        case 'later':
          later(ws, id, data)
          break
        case 'join':
          ws.subscribe(room)
          ws.send(JSON.stringify({ ack: id }))
          break
        case 'broadcast':
          broadcast(data as { times: number; text: string })
          break
      }
    },
  },
})

async function later(ws: Bun.ServerWebSocket<undefined>, id: number, data: unknown): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  ws.send(JSON.stringify({ ack: id, data }))
}

function broadcast({ times, text }: { times: number; text: string }): void {
  for (let n = 0; n < times; n++) server.publish(room, JSON.stringify({ event: 'tick', data: { n, text } }))
}

ready(server.port ?? 0)
