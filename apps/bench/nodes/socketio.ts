import process from 'node:process'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { createClient } from 'redis'
import type { Server } from 'socket.io'

/** The same as partyline-rooms.ts, as its documentation says, with one of its adapters for Redis. */
export async function serve(io: Server): Promise<void> {
  const publisher = createClient({ url: process.env.REDIS_URL as string })
  const subscriber = publisher.duplicate()
  await Promise.all([publisher.connect(), subscriber.connect()])
  const isSharded = process.env.ADAPTER === 'sharded'
  io.adapter(isSharded ? createShardedAdapter(publisher, subscriber) : createAdapter(publisher, subscriber))
  io.on('connection', (socket) => {
    socket.on('join', () => socket.join('room'))
    socket.on('say', (data) => io.to('room').emit('news', data))
  })
}
