import type { Contender } from '../contender.ts'
import { type Connection, openMany } from '../load/connection.ts'
import type { Reading, Scenario } from '../scenario.ts'
import { Server } from '../server.ts'

/** Open before the first reading, so that what a server allocates once, on its first connections, is not counted. */
const first = 200

/** Measures by how much the server's RSS grows for each of so many connections that only stay open. */
export function memory(count: number): Scenario['measure'] {
  return async (contenders: readonly Contender[]): Promise<Reading[]> => {
    const readings: Reading[] = []
    for (const contender of contenders) readings.push({ value: await growth(contender, count) })
    return readings
  }
}

async function growth(contender: Contender, count: number): Promise<number> {
  const server = await Server.start(contender.file, contender.platform)
  const connections: Connection[] = []
  try {
    const { wire } = contender
    connections.push(...(await openMany(first, server.port, wire)))
    const before = await server.ask('memory')
    connections.push(...(await openMany(count, server.port, wire)))
    const after = await server.ask('memory')
    return (after - before) / count
  } finally {
    for (const connection of connections) connection.close()
    await server.stop()
  }
}
