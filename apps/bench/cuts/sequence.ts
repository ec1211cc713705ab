/** What became of numbers that were sent one after another, from 1 on. */
export interface Verdict {
  sent: number
  arrived: number
  lost: number
  /** How often something came that had come before. */
  twice: number
  /** How often something came after what was sent later. */
  disordered: number
}

/** Holds what was heard against what was sent. */
export function judge(sent: number, heard: readonly number[]): Verdict {
  const seen = new Set<number>()
  let highest = 0
  let disordered = 0
  for (const n of heard) {
    if (n < highest && !seen.has(n)) disordered++
    highest = Math.max(highest, n)
    seen.add(n)
  }
  const expected = Array.from({ length: sent }, (_, i) => i + 1)
  return {
    sent,
    arrived: heard.length,
    lost: expected.filter((n) => !seen.has(n)).length,
    twice: heard.length - seen.size,
    disordered,
  }
}

/** Whether everything came, once and in order, and nothing that was never sent. */
export function isWhole({ sent, arrived, lost, twice, disordered }: Verdict): boolean {
  return arrived === sent && lost + twice + disordered === 0
}
