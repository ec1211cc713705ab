// The line of the page: by partyline/client, which the app serves at /partyline.js. The same page at /socketio has one by the
// client of Socket.IO.

export const isSocketio = location.pathname === '/socketio'

export const chat = isSocketio ? (await import('./socketio.js')).connect('/chat') : partyline.connect('/chat')
