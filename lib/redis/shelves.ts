import { Buffer } from 'node:buffer'
import { BrokerError, unattended } from '../broker/error.ts'
import type { BrokerRecord, Records, WriteOptions, Written } from '../broker/records.ts'
import type { Values } from '../broker/values.ts'
import type { Commands } from './commands.ts'
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
    return unattended(this.#run(['GET', this.#key(name)]).then((reply) => bytesOf(reply)))
  }

  set(name: string, bytes: Uint8Array, { ttl }: { ttl: number }): Promise<void> {
    const refusal = tooLarge(bytes, this.#parts.terms)
    if (refusal !== undefined) return refusal
    return unattended(
      this.#run(['SET', this.#key(name), Buffer.from(bytes), 'PX', String(ttl)]).then(() => {}),
    )
  }

  delete(name: string): Promise<boolean> {
    return unattended(this.#run(['DEL', this.#key(name)]).then((reply) => reply === 1))
  }

  #key(name: string): string {
    return this.#parts.names.open(name)
  }

  #run(args: Argument[]): Promise<unknown> {
    const bytes = args.reduce((sum, { length }) => sum + length, 0)
    return this.#parts.commands.run({ key: String(args[1]), args: () => args, bytes })
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
    const name = this.#parts.names.record(key)
    const args = ['HMGET', name, 'version', 'bytes']
    return unattended(
      this.#parts.commands
        .run({ key: name, args: () => args, bytes: name.length })
        .then((reply) => recordOf(reply as Stored)),
    )
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
    const name = this.#parts.names.record(key)
    const args = ['PEXPIRE', name, String(ttl)]
    return unattended(
      this.#parts.commands
        .run({ key: name, args: () => args, bytes: name.length })
        .then((reply) => reply === 1),
    )
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
  return Buffer.isBuffer(reply) ? new Uint8Array(reply.buffer, reply.byteOffset, reply.length) : undefined
}

function tooLarge(bytes: Uint8Array, { maxPayload }: Terms): Promise<never> | undefined {
  if (bytes.length <= maxPayload) return undefined
  const message = `${bytes.length} bytes are more than maxPayload, ${maxPayload}`
  return unattended(Promise.reject(new BrokerError('TOO_LARGE', message)))
}
