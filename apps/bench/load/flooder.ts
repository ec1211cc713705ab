/**
 * A process that floods a server: told a port it begins, told 0 it stops. It sends as fast as the connection takes it,
 * reads the answers, and comes back as soon as it is sent away.
 */
const frame = JSON.stringify({ event: 'request', data: { text: 'x'.repeat(64) }, id: 1 })
/** How much it lets wait on its own side. */
const ahead = 64 * 1024

let socket: WebSocket | undefined
let port = 0

process.on('message', (told: number) => {
  port = told
  socket?.close()
  socket = undefined
  if (port > 0) begin()
  else process.send?.('stopped')
})
process.on('disconnect', () => process.exit())

function begin(): void {
  const own = new WebSocket(`ws://127.0.0.1:${port}/bench`)
  socket = own
  own.onopen = () => {
    process.send?.('flooding')
    flood(own)
  }
  own.onclose = () => {
    if (socket === own) begin()
  }
}

function flood(own: WebSocket): void {
  if (own !== socket || own.readyState !== WebSocket.OPEN) return
  while (own.bufferedAmount < ahead && own.readyState === WebSocket.OPEN) {
    for (let n = 0; n < 100; n++) own.send(frame)
    if (own.bufferedAmount === 0) break
  }
  setImmediate(flood, own)
}
