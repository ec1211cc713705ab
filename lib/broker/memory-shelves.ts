import type { MemoryLink } from './memory-link.ts'
import type { BrokerRecord, Records, WriteOptions, Written } from './records.ts'
import type { Values } from './values.ts'

/** Values in memory. */
export class MemoryValues implements Values {
  readonly #link: MemoryLink

  constructor(link: MemoryLink) {
    this.#link = link
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return this.#link.ask((hub, now) => hub.value(name, now)?.slice())
  }

  set(name: string, bytes: Uint8Array, { ttl }: { ttl: number }): Promise<void> {
    const taken = bytes.slice()
    return this.#link.ask((hub, now) => hub.setValue(name, taken, now + ttl))
  }

  delete(name: string): Promise<boolean> {
    return this.#link.ask((hub, now) => hub.deleteValue(name, now))
  }
}

/** Records in memory. */
export class MemoryRecords implements Records {
  readonly #link: MemoryLink

  constructor(link: MemoryLink) {
    this.#link = link
  }

  read(key: string): Promise<BrokerRecord | undefined> {
    return this.#link.ask((hub, now) => copyOf(hub.record(key, now)))
  }

  write(key: string, bytes: Uint8Array, { ttl, version }: WriteOptions): Promise<Written> {
    const taken = bytes.slice()
    return this.#link.ask((hub, now): Written => {
      const current = hub.record(key, now)
      if (version !== undefined && (current?.version ?? null) !== version)
        return { conflict: true, current: copyOf(current) }
      return { conflict: false, version: hub.setRecord(key, taken, now + ttl) }
    })
  }

  delete(key: string, version?: string): Promise<boolean> {
    return this.#link.ask((hub, now) => {
      const current = hub.record(key, now)
      if (current === undefined || (version !== undefined && current.version !== version)) return false
      hub.deleteRecord(key)
      return true
    })
  }

  touch(key: string, ttl: number): Promise<boolean> {
    return this.#link.ask((hub, now) => hub.touchRecord(key, now, now + ttl))
  }
}

function copyOf(record: BrokerRecord | undefined): BrokerRecord | undefined {
  return record && { ...record, bytes: record.bytes.slice() }
}
