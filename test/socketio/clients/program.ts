// Runs the cases in a process of its own, with the package as it is installed: program.ts <server> <control>.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runCases } from './run.ts'

// From the root of the project, wherever this file has been built to.
const require = createRequire(join(process.cwd(), 'package.json'))
const { io } = require('socket.io-client')
const WebSocket = globalThis.WebSocket ?? require('ws')

const [server = '', control = ''] = process.argv.slice(2)
console.log(JSON.stringify(await runCases({ io, WebSocket, server, control })))
process.exit()
