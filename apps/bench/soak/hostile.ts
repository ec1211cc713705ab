import { clientFrame } from '../load/frames.ts'
import { SoakClient } from './client.ts'

/** One way to do harm, and what in `app.stats()` says that it was ended. */
export interface Hostility {
  name: string
  /** The counter of the limit that cuts it off; none where it leaves by itself. */
  counter?: 'rateClosed' | 'slowConsumers' | 'heartbeatsLost' | 'payloadTooBig'
  greeted?: boolean
  begin(client: SoakClient): void
}

/** Milliseconds between two of its deeds. */
const EVERY = 20

export const hostilities: readonly Hostility[] = [
  {
    name: 'floods',
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
    counter: 'slowConsumers',
    begin(client) {
      client.stopReading()
      let id = 0
      repeat(client, () => client.send(`{"event":"large","id":${id++}}`))
    },
  },
  // The line is there, and nobody at the other end of it: pings stay unanswered.
  { name: 'half-open', counter: 'heartbeatsLost', greeted: true, begin() {} },
  {
    name: 'huge frames',
    counter: 'payloadTooBig',
    begin(client) {
      // A text of 1 GiB is announced, and a part of it sent.
      client.write(new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]))
      client.write(new Uint8Array(4_096))
    },
  },
  {
    name: 'vanishes',
    begin(client) {
      client.send('{"event":"large","id":1}')
      client.vanish()
    },
  },
]

function repeat(client: SoakClient, deed: () => void): void {
  const timer = setInterval(() => {
    if (client.hasEnded) clearInterval(timer)
    else if (!client.isBehind) deed()
  }, EVERY)
}
