// Bun, Deno and Node have the same `process` here.
declare const process: {
  on(signal: string, listener: (signal: string) => void): void
  off(signal: string, listener: (signal: string) => void): void
  exit(code: number): never
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

const stops = new Set<() => Promise<void>>()
let stopping = false

/** Has a SIGINT or SIGTERM call `stop`, and end the process when all that were registered are done; a second one at once. */
export function onShutdown(stop: () => Promise<void>): () => void {
  if (stops.size === 0) for (const signal of Object.keys(SIGNALS)) process.on(signal, shutdown)
  stops.add(stop)
  return () => {
    // While the process ends, its last app is not to give the signals back to their default.
    if (!stops.delete(stop) || stops.size > 0 || stopping) return
    for (const signal of Object.keys(SIGNALS)) process.off(signal, shutdown)
  }
}

function shutdown(signal: string): void {
  if (stopping) process.exit(SIGNALS[signal as keyof typeof SIGNALS])
  stopping = true
  void Promise.allSettled([...stops].map((stop) => stop())).then(() => process.exit(0))
}
