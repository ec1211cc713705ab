import { z } from 'zod'
import { ready } from '../control.ts'

/**
 * A guard, a middleware and a schema as one would write them by hand on `Bun.serve`. In a file of its own, so that loading
 * the library of schemas is not counted in the other scenarios.
 */
const moved = z.object({ text: z.string().max(64), n: z.number().int() })
const banned = new WeakSet<object>()
const times = { spent: 0 }

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
      if (event !== 'guarded') return
      if (banned.has(ws)) return fail(ws, id, 'FORBIDDEN')
      const began = performance.now()
      try {
        const parsed = moved.safeParse(data)
        if (!parsed.success) return fail(ws, id, 'INVALID_DATA')
        ws.send(JSON.stringify({ ack: id, data: parsed.data }))
      } finally {
        times.spent += performance.now() - began
      }
    },
  },
})

function fail(ws: Bun.ServerWebSocket<undefined>, id: number, code: string): void {
  ws.send(JSON.stringify({ ack: id, error: { code, message: `${times.spent} ms were spent so far` } }))
}

ready(server.port ?? 0)
