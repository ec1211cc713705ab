/** How the connections of one kind ended, as the server saw it. */
export interface Ending {
  /** How many ended with each close code. */
  codes: Record<number, number>
  /** How long the shortest and the longest lasted, in milliseconds. */
  least: number
  most: number
}

/** The ends of all connections, by their kind. */
export class Ends {
  readonly byKind: Record<string, Ending> = {}

  add(kind: string, code: number, lasted: number): void {
    this.byKind[kind] ??= { codes: {}, least: lasted, most: lasted }
    const ending = this.byKind[kind]
    ending.codes[code] = (ending.codes[code] ?? 0) + 1
    ending.least = Math.min(ending.least, lasted)
    ending.most = Math.max(ending.most, lasted)
  }
}
