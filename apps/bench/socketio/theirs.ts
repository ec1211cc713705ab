import type { Server } from 'socket.io'

const room = 'room'

/** What every contender does, as Socket.IO's documentation writes it. */
export function serve(io: Server): void {
  io.on('connection', (socket) => {
    socket.on('echo', (data) => socket.emit('echo', data))
    socket.on('join', (_, answer) => {
      socket.join(room)
      answer()
    })
    socket.on('broadcast', ({ times, text }: { times: number; text: string }) => {
      for (let n = 0; n < times; n++) io.to(room).emit('tick', { n, text })
    })
  })
}
