import { readFileSync } from 'node:fs'

/**
 * Does work with this process, and every process that it spawns meanwhile, on one processor and as batch jobs, where
 * the system has `taskset` and `chrt` (Linux). Gives whether it could.
 *
 * Server and generator then take turns: each runs until it has nothing left to do. Left alone they land on one
 * processor or on two as it happens, which alone changes the cost of a message by half, and how many messages a
 * server finds at a time depends on which of the two is faster. Together with short turns this narrowed the error
 * (A/A, echo, a machine at work) from ±9 % to ±1 %.
 */
export async function onOneProcessor<T>(work: () => Promise<T>): Promise<T> {
  const all = allowed()
  const last = all?.match(/\d+$/)?.[0]
  if (all === undefined || last === undefined || !available) return work()
  settle(last, '--batch')
  try {
    return await work()
  } finally {
    settle(all, '--other')
  }
}

const available = Bun.which('taskset') !== null && Bun.which('chrt') !== null

/** Whether CPU is measured on one processor here. */
export const oneProcessor = available && allowed() !== undefined

/** The processors on which this process may run, as a list like `0-1`. */
function allowed(): string | undefined {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

function settle(processors: string, policy: '--batch' | '--other'): void {
  const pid = String(process.pid)
  Bun.spawnSync(['taskset', '--all-tasks', '--cpu-list', '--pid', processors, pid])
  Bun.spawnSync(['chrt', '--all-tasks', policy, '--pid', '0', pid])
}
