import type { Report } from './options.ts'

interface Listener {
  readonly run: Callback
  readonly isOnce: boolean
}

/** What somebody gave to be called: what it takes was checked where it was given. */
export type Callback = (...args: never[]) => unknown

/** Callbacks by name, several for each, called in the order in which they came. One that throws holds up no other. */
export class Listeners {
  /** Lists are replaced, never changed: who comes or goes while others are called makes no difference to that. */
  readonly #lists = new Map<string, readonly Listener[]>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  add(name: string, run: Callback, isOnce = false): void {
    this.#lists.set(name, [...this.#of(name), { run, isOnce }])
  }

  /** Takes a callback away, however often it is there; without one, all of that name. */
  remove(name: string, run?: Callback): void {
    this.#keep(name, (one) => run !== undefined && one.run !== run)
  }

  tell(name: string, args: readonly unknown[]): void {
    for (const one of this.#of(name)) {
      if (one.isOnce) this.#keep(name, (other) => other !== one)
      try {
        const result: unknown = one.run(...(args as never[]))
        if (result instanceof Promise) result.catch((error: unknown) => this.#report(error, name))
      } catch (error) {
        this.#report(error, name)
      }
    }
  }

  #of(name: string): readonly Listener[] {
    return this.#lists.get(name) ?? []
  }

  #keep(name: string, isKept: (one: Listener) => boolean): void {
    this.#lists.set(name, this.#of(name).filter(isKept))
  }
}
