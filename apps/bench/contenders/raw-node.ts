import { createServer } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { ready } from '../control.ts'

/** The work of raw.ts as one writes it by hand for Node, on the package ws. */
interface Frame {
  event: string
  data: unknown
  id: number
}

const members = new Set<WebSocket>()
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
const server = createServer((_, response) => response.writeHead(404).end())

server.on('upgrade', (request, socket, head) => {
  if (request.url !== '/bench') return socket.destroy()
  sockets.handleUpgrade(request, socket, head, (ws) => {
    ws.on('message', (message) => handle(ws, String(message)))
    ws.on('close', () => members.delete(ws))
  })
})

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
      setImmediate(() => ws.send(JSON.stringify({ ack: id, data })))
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

server.listen(0, '127.0.0.1', () => ready((server.address() as { port: number }).port))
