import type { CloseReason } from 'partyline'
import type { Line, Message } from './client.ts'
import type { ConnectOptions } from './start.ts'

/** What Bun's WebSocket has beyond the web's. */
const BunWebSocket = WebSocket as unknown as new (
  url: string,
  options: { protocols: string[]; headers: Record<string, string> },
) => WebSocket & { terminate(): void }

/** Bun's own WebSocket client, over the network. */
export function connect(
  url: string,
  { subprotocols = [], headers = {} }: ConnectOptions = {},
): Promise<Line> {
  const socket = new BunWebSocket(url, { protocols: subprotocols, headers })
  socket.binaryType = 'arraybuffer'
  const received: Message[] = []
  let closed: CloseReason | undefined
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      received.push(typeof data === 'string' ? data : new Uint8Array(data))
    }
    socket.onclose = ({ code, reason }) => {
      closed = { code, reason }
      reject(new Error(`closed with ${code} ${reason}`))
    }
    socket.onopen = () =>
      resolve({
        received,
        get closed() {
          return closed
        },
        subprotocol: socket.protocol || undefined,
        send: (message) => socket.send(message as string),
        close: (code, reason) => socket.close(code, reason),
        vanish: () => socket.terminate(),
      })
  })
}
