/** A list that grows at its end and goes at its beginning, at no cost that depends on its length. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  /** Where it begins; the places before are empty, and cut off together once they are many. */
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  /** The `index`th from the beginning. */
  at(index: number): T | undefined {
    return this.#items[this.#first + index]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#first]
    this.#items[this.#first++] = undefined
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** The index of the first item for which something holds that holds for all after it too; the length where there is none. */
  search(holds: (item: T) => boolean): number {
    let [low, high] = [0, this.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(this.at(middle) as T)) high = middle
      else low = middle + 1
    }
    return low
  }
}
