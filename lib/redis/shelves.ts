import { Buffer } from 'node:buffer'
import { BrokerError, unattended } from '../broker/error.ts'
import type { BrokerRecord, Records, WriteOptions, Written } from '../broker/records.ts'
import type { Values } from '../broker/values.ts'
import type { Commands } from './commands.ts'
import { viewOf } from './envelope.ts'
import type { Argument } from './library.ts'
import type { Names } from './names.ts'
import type { Terms } from './options.ts'

export interface ShelvesParts {
  /** This node's id. */
  own: string
  terms: Terms
  names: Names
  commands: Commands
}

/** Values: strings of Redis, under open names. */
export class RedisValues implements Values {
  readonly #parts: ShelvesParts

  constructor(parts: ShelvesParts) {
    this.#parts = parts
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return unattended(this.#run('GET', name).then((reply) => bytesOf(reply)))
  }

  set(name: string, bytes: Uint8Array, { ttl }: { ttl: number }): Promise<void> {
    const refusal = tooLarge(bytes, this.#parts.terms)
    if (refusal !== undefined) return refusal
    return unattended(this.#run('SET', name, Buffer.from(bytes), 'PX', String(ttl)).then(() => {}))
  }

  delete(name: string): Promise<boolean> {
    return unattended(this.#run('DEL', name).then((reply) => reply === 1))
  }

  #run(command: string, name: string, ...rest: Argument[]): Promise<unknown> {
    const { commands, names } = this.#parts
    return commands.run(commands.plain([command, names.open(name), ...rest]))
  }
}

/** Records: hashes of Redis. */
export class RedisRecords implements Records {
  readonly #parts: ShelvesParts
  #writes = 0

  constructor(parts: ShelvesParts) {
    this.#parts = parts
  }

  read(key: string): Promise<BrokerRecord | undefined> {
    return unattended(this.#run('HMGET', key, 'version', 'bytes').then((reply) => recordOf(reply as Stored)))
  }

  write(key: string, bytes: Uint8Array, { ttl, version }: WriteOptions): Promise<Written> {
    const refusal = tooLarge(bytes, this.#parts.terms)
    if (refusal !== undefined) return refusal
    // By its own version a write is known when it comes again.
    const next = `${this.#parts.own}.${++this.#writes}`
    const expected = version === undefined ? '*' : (version ?? '')
    return unattended(
      this.#script('write', key, [next, expected, Buffer.from(bytes), String(ttl)]).then(
        (reply): Written =>
          reply === null
            ? { conflict: false, version: next }
            : { conflict: true, current: recordOf(reply as Stored) },
      ),
    )
  }

  delete(key: string, version = '*'): Promise<boolean> {
    return unattended(this.#script('erase', key, [version]).then((reply) => reply === 1))
  }

  touch(key: string, ttl: number): Promise<boolean> {
    return unattended(this.#run('PEXPIRE', key, String(ttl)).then((reply) => reply === 1))
  }

  #run(command: string, key: string, ...rest: Argument[]): Promise<unknown> {
    const { commands, names } = this.#parts
    return commands.run(commands.plain([command, names.record(key), ...rest]))
  }

  #script(script: 'write' | 'erase', key: string, args: Argument[]): Promise<unknown> {
    const { commands, names } = this.#parts
    return commands.run(commands.script(script, [names.record(key)], args))
  }
}

type Stored = [version: Buffer | null | undefined, bytes: Buffer | null | undefined]

function recordOf([version, bytes]: Stored): BrokerRecord | undefined {
  const found = bytesOf(bytes)
  return found && { bytes: found, version: String(version) }
}

function bytesOf(reply: unknown): Uint8Array | undefined {
  return Buffer.isBuffer(reply) ? viewOf(reply) : undefined
}

function tooLarge(bytes: Uint8Array, { maxPayload }: Terms): Promise<never> | undefined {
  if (bytes.length <= maxPayload) return undefined
  const message = `${bytes.length} bytes are more than maxPayload, ${maxPayload}`
  return unattended(Promise.reject(new BrokerError('TOO_LARGE', message)))
}
