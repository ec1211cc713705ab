// Gives a page what runs the cases; `io` comes from the package's script.
import { runCases } from './run.ts'
import type { Platform } from './world.ts'

declare global {
  var io: Platform['io']
  var runSocketioCases: (server: string, control: string) => ReturnType<typeof runCases>
}

globalThis.runSocketioCases = (server, control) =>
  runCases({ io: globalThis.io, WebSocket: globalThis.WebSocket, server, control, isNarrow: true })
