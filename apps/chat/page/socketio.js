// A line by the client of Socket.IO, unmodified, for what the page asks of its line otherwise: `on`, `call` and `when`.
import '/socket.io/socket.io.js'

export function connect(path) {
  const socket = io(path)

  // Who leaves the page has left the chat. Without a word they might still come back, and nobody else could have their name.
  addEventListener('pagehide', () => socket.disconnect())
  addEventListener('pageshow', ({ persisted }) => persisted && socket.connect())

  const line = {
    on(event, listener) {
      socket.on(event, listener)
      return line
    },
    when(state, listener) {
      states[state]?.(listener)
      return line
    },
    async call(event, data) {
      const answer = await socket.emitWithAck(event, data).catch(({ message }) => {
        throw Object.assign(new Error(message), { code: 'DISCONNECTED' })
      })
      // A failure is one argument, and has this form.
      const { error } = answer ?? {}
      if (error) throw Object.assign(new Error(error.message), error)
      return answer
    },
  }

  const states = {
    open: (listener) => socket.on('connect', () => listener({ recovered: socket.recovered })),
    reconnecting(listener) {
      socket.on('disconnect', () => socket.active && listener())
      socket.on('connect_error', () => socket.active && listener())
    },
    closed(listener) {
      socket.on('disconnect', (reason) => socket.active || listener({ reason }))
      socket.on('connect_error', ({ message }) => socket.active || listener({ reason: message }))
    },
  }

  return line
}
