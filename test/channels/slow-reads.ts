import type { MemoryBroker } from '../../lib/broker/memory.ts'

/** Answers what is asked of the streams of a broker when the test says so. */
export class SlowReads {
  readonly #waiting: ((how: 'then' | 'now' | 'failed') => void)[] = []

  constructor({ streams }: MemoryBroker) {
    const read = streams.read.bind(streams)
    streams.read = async (...args) => {
      const then = read(...args)
      const how = await new Promise<'then' | 'now' | 'failed'>((resolve) => this.#waiting.push(resolve))
      if (how === 'failed') throw new Error('away')
      return how === 'then' ? then : read(...args)
    }
  }

  answer(how: 'then' | 'now' | 'failed'): void {
    this.#waiting.shift()?.(how)
  }

  answerAll(): void {
    while (this.#waiting.length > 0) this.answer('now')
  }
}
