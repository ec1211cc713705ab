import type { Contender } from '../contender.ts'
import { Connection } from '../load/connection.ts'
import type { Reading } from '../scenario.ts'
import { Server } from '../server.ts'

/** Measures the milliseconds from spawning a server to its first accepted WebSocket. */
export async function start(contenders: readonly Contender[]): Promise<Reading[]> {
  const readings: Reading[] = []
  for (const { file, wire } of contenders) {
    const began = performance.now()
    const server = await Server.start(file)
    try {
      const connection = await Connection.open(server.port, wire)
      readings.push({ value: performance.now() - began })
      connection.close()
    } finally {
      await server.stop()
    }
  }
  return readings
}
