import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { ready } from '../control.ts'
import { serve } from './socketio.ts'

const server = createServer()
await serve(new Server(server))
server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port))
