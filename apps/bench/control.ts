/**
 * The server's end of the control channel (Bun's IPC). The process itself reads its CPU time, since getrusage counts
 * in microseconds where /proc/PID/stat counts in hundredths of a second; it covers all threads, so the work of the
 * garbage collector and of the compilers is in it.
 */

/** `cpu`: microseconds of user and system time so far. `memory`: bytes of RSS after a full collection. */
export type Question = 'cpu' | 'memory'

/** The first message of a server tells its port, every later one answers a question, in order. */
export type Report = { port: number } | { answer: number }

/** To be called by a server's file when it accepts connections. */
export function ready(port: number): void {
  process.on('message', async (question: Question) => {
    report({ answer: question === 'cpu' ? cpu() : await memory() })
  })
  process.on('disconnect', () => process.exit())
  report({ port })
}

function report(message: Report): void {
  process.send?.(message)
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes of RSS after a full collection. */
export async function memory(): Promise<number> {
  // The allocator returns pages a little after they were freed, and finalizers free more: hence twice, with a rest.
  Bun.gc(true)
  await Bun.sleep(200)
  Bun.gc(true)
  await Bun.sleep(200)
  return process.memoryUsage.rss()
}
