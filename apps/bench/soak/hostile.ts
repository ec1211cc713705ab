import type { Counters } from 'partyline'
import { clientFrame } from '../load/frames.ts'
import type { SoakClient } from './client.ts'

/** One way to do harm, or to be gone, and how the server ends it. */
export interface Hostility {
  name: string
  /** What `@OnClose` sees. */
  code: number
  /** What in `app.stats()` says so. */
  counter: keyof Counters
  /** Whether it chooses a subprotocol. */
  greeted?: boolean
  /** Absent where its process is stopped in the middle of everything, as a phone is that was switched off. */
  begin?(client: SoakClient): void
}

/** Milliseconds between two of its deeds. */
const EVERY = 20

export const hostilities: readonly Hostility[] = [
  {
    name: 'floods',
    code: 4429,
    counter: 'rateClosed',
    begin(client) {
      const some = Buffer.concat(
        Array.from({ length: 100 }, () => clientFrame('{"event":"ask","data":1,"id":1}')),
      )
      repeat(client, () => client.write(some))
    },
  },
  {
    name: 'never reads',
    code: 1008,
    counter: 'slowConsumers',
    begin(client) {
      client.stopReading()
      let id = 0
      repeat(client, () => client.send(`{"event":"large","id":${id++}}`))
    },
  },
  {
    name: 'huge frames',
    code: 1009,
    counter: 'payloadTooBig',
    begin(client) {
      // A text of 1 GiB is announced, and a part of it sent.
      client.write(new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]))
      client.write(new Uint8Array(4_096))
    },
  },
  {
    name: 'no WebSocket frames',
    code: 1002,
    counter: 'protocolErrors',
    begin: (client) => client.write(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  },
  {
    name: 'hangs up',
    code: 1006,
    counter: 'connectionsLost',
    begin(client) {
      client.send('{"event":"large","id":1}')
      client.vanish()
    },
  },
  // The line is there, and the other end of it answers what its library answers by itself, and no more.
  { name: 'half-open', code: 4408, counter: 'heartbeatsLost', greeted: true, begin() {} },
  { name: 'vanishes', code: 4408, counter: 'heartbeatsLost', greeted: true },
  { name: 'vanishes, plain', code: 4408, counter: 'heartbeatsLost' },
]

function repeat(client: SoakClient, deed: () => void): void {
  const timer = setInterval(() => {
    if (client.hasEnded) clearInterval(timer)
    else if (!client.isBehind) deed()
  }, EVERY)
}
