import { hashedPart } from './slot.ts'

/**
 * How things are called in Redis. What is open has the name that other programs know. All else has `partyline:` before
 * it, and what belongs together has the same part in braces, so that it lies together in a cluster.
 */
export class Names {
  readonly #prefix: string
  /** Which nodes are alive: a hash of when each lease ends and began, and of what time it is. */
  readonly nodes: string
  /** Where nodes come and go. */
  readonly comings: string

  constructor(prefix: string) {
    this.#prefix = prefix
    this.nodes = `${prefix}partyline:nodes`
    this.comings = `${prefix}partyline:comings`
  }

  /** An open channel, or a value: they have the same name. */
  open(name: string): string {
    return this.#prefix + name
  }

  /** A channel of the nodes' own. */
  channel(name: string): string {
    return `${this.#prefix}partyline:channel:${name}`
  }

  /** A stream: its entries, how far it is, and where they are told. */
  stream(name: string, open: boolean | undefined): StreamNames {
    if (open) {
      const value = this.open(name)
      // Where the prefix has braces, what is in them decides where the value lies: it has to decide about the others too.
      const part = hashedPart(value)
      const key = part === value ? `{${value}}` : `{${part}}{${value}}`
      return { entries: `${key}:stream`, meta: `${key}:meta`, channel: value, value }
    }
    const key = `${this.#prefix}partyline:{${escaped(name)}}`
    return { entries: `${key}:stream`, meta: `${key}:meta`, channel: `${key}:entries`, value: undefined }
  }

  /** A hash of bytes and version. */
  record(key: string): string {
    return `${this.#prefix}partyline:record:${key}`
  }

  /** A roster: a hash of its version and nodes, before which a node's id makes the hash of its members. */
  roster(name: string): { index: string; channel: string } {
    const key = `${this.#prefix}partyline:{${escaped(name)}}`
    return { index: `${key}:roster`, channel: `${key}:changes` }
  }
}

export interface StreamNames {
  entries: string
  meta: string
  channel: string
  /** Of an open one. */
  value: string | undefined
}

/** A name without braces, from which it can be told, and with something in it: empty braces would not count. */
function escaped(name: string): string {
  return name === '' ? '%' : name.replace(/[%{}]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
}
