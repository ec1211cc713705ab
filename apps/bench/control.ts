import process from 'node:process'
import { createInterface } from 'node:readline'

/**
 * The server's end of the control channel: a line on its standard input asks, a line on its standard output answers, which
 * every runtime can do. The process itself reads its CPU time, since getrusage counts in microseconds where /proc/PID/stat
 * counts in hundredths of a second; it covers all threads, so the work of the garbage collector and of the compilers is in it.
 */

/** `cpu`: microseconds of user and system time so far. `memory`: bytes of RSS after a full collection. */
export type Question = 'cpu' | 'memory'

/** The first message of a server tells its port, every later one answers a question, in order. */
export type Report = { port: number } | { answer: number }

/** To be called by a server's file when it accepts connections. */
export function ready(port: number): void {
  const questions = createInterface({ input: process.stdin })
  questions.on('line', async (question) => {
    report({ answer: question === 'cpu' ? cpu() : await memory() })
  })
  questions.on('close', () => process.exit())
  report({ port })
}

function report(message: Report): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes of RSS after a full collection, where the runtime lets itself be told to collect. */
export async function memory(): Promise<number> {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void }
  // The allocator returns pages a little after they were freed, and finalizers free more: hence twice, with a rest.
  for (let n = 0; n < 2; n++) {
    if (Bun) Bun.gc(true)
    else gc?.()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return process.memoryUsage.rss()
}
