import { type Client, connect } from 'partyline/client'

/** Sockets that can be cut all at once, as when a network goes. */
const lines = new Set<Cuttable>()

class Cuttable extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols)
    lines.add(this)
    this.addEventListener('close', () => lines.delete(this))
  }
}

/** Ends every line without a closing handshake. */
export function cutAll(): void {
  for (const line of [...lines]) (line as unknown as { terminate(): void }).terminate()
}

/** Connects so many clients, a few at a time, and resolves when all are open. */
export async function crowd(url: string, count: number, backoff = { min: 1, max: 50 }): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < count) {
    const some = Math.min(100, count - clients.length)
    const opened: Promise<void>[] = []
    for (let n = 0; n < some; n++) {
      const client = connect(url, { WebSocket: Cuttable, backoff, onError: () => {} })
      opened.push(new Promise((resolve) => client.when('open', () => resolve())))
      clients.push(client)
    }
    await Promise.all(opened)
  }
  return clients
}
