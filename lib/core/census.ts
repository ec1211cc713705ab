/** How many connections there are, in all and from each address. */
export class Census {
  #total = 0
  readonly #byAddress = new Map<string, number>()

  get total(): number {
    return this.#total
  }

  from(address: string): number {
    return this.#byAddress.get(address) ?? 0
  }

  add(address: string): void {
    this.#total++
    this.#byAddress.set(address, this.from(address) + 1)
  }

  remove(address: string): void {
    this.#total--
    const left = this.from(address) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }
}

/** Counts somebody as connected who is no session yet; what it returns ends that. */
export function expectFrom(census: Census, address: string): () => void {
  census.add(address)
  let isCounted = true
  return () => {
    if (isCounted) census.remove(address)
    isCounted = false
  }
}
