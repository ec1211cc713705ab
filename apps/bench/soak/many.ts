/** Connections at a time: the system's line of those who knock is no longer. */
const AT_ONCE = 100

/** Opens so many, in order. */
export async function many<T>(count: number, open: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count) {
    const some = Math.min(AT_ONCE, count - all.length)
    all.push(...(await Promise.all(Array.from({ length: some }, (_, n) => open(all.length + n)))))
  }
  return all
}
