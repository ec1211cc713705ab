import { Server as Engine } from '@socket.io/bun-engine'
import { Server } from 'socket.io'
import { ready } from '../control.ts'
import { serve } from './socketio.ts'

const io = new Server()
const engine = new Engine({ path: '/socket.io/' })
io.bind(engine as never)
await serve(io)
const { port } = Bun.serve({ port: 0, hostname: '127.0.0.1', ...engine.handler() })
ready(port as number)
