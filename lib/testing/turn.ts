/** Those who wait for the next turn, first come first. */
const waiting: (() => void)[] = []
let channel: MessageChannel | undefined

/**
 * Resolves in a later turn of the event loop, when everything that only promises hold back has happened. By a message and
 * not by a timer, so that it works where timers are replaced by a test's own.
 */
export function turn(): Promise<void> {
  channel ??= new MessageChannel()
  const { port1, port2 } = channel
  return new Promise((resolve) => {
    waiting.push(resolve)
    port1.onmessage ??= () => {
      waiting.shift()?.()
      // With a listener it would keep the process alive.
      if (waiting.length === 0) port1.onmessage = null
    }
    port2.postMessage(0)
  })
}

/** How many promises in a row somebody may wait for until the event loop has its turn. */
const PROMISES = 100

/**
 * Waits until something is so; false where it does not come true. Within the process it is enough to wait for promises;
 * whoever asks a file or a database takes real time, of which there are so many milliseconds.
 */
export async function until(isSo: () => boolean, patience: number): Promise<boolean> {
  for (let i = 0; i < PROMISES; i++) {
    if (isSo()) return true
    await undefined
  }
  const end = performance.now() + patience
  do {
    await Promise.race([turn(), outside()])
    if (isSo()) return true
  } while (performance.now() < end)
  return false
}

/**
 * Something that takes place outside. `expect(…).rejects` of Bun waits for promises by turns of its own, in which messages do
 * not come.
 */
function outside(): Promise<unknown> {
  return crypto.subtle.digest('SHA-256', new Uint8Array())
}
