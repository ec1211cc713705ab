import { Buffer } from 'node:buffer'
import type { BrokerCounters } from '../broker/broker.ts'
import { BrokerError, unattended } from '../broker/error.ts'
import { Follow } from '../broker/follow.ts'
import type { LateHost } from '../broker/host.ts'
import { nameOf } from '../broker/open-name.ts'
import { memoryOf } from '../broker/position.ts'
import type {
  AppendOptions,
  Entry,
  Follower,
  Following,
  FollowOptions,
  Gap,
  ReadOptions,
  Slice,
  StreamOptions,
  Streams,
} from '../broker/streams.ts'
import { Appender } from './appender.ts'
import type { Channels } from './channels.ts'
import type { Command, Commands } from './commands.ts'
import { headOf, openEntry, sealEntry, viewOf } from './envelope.ts'
import type { Names, StreamNames } from './names.ts'
import type { Terms } from './options.ts'
import type { Server } from './server.ts'
import type { Trouble } from './trouble.ts'

export interface StreamsParts {
  host: LateHost
  node: Buffer
  /** The same, as others write it. */
  own: string
  terms: Terms
  names: Names
  commands: Commands
  channels: Channels
  counters: BrokerCounters
  trouble: Trouble
}

const head = headOf('entry')

/** Streams as Redis has them; their entries are published as they are appended. */
export class RedisStreams implements Streams {
  readonly #parts: StreamsParts
  /** For each stream to which something is being appended. */
  readonly #appenders = new Map<string, Appender>()
  readonly #follows = new Set<Follow>()
  #sequence = 0

  constructor(parts: StreamsParts) {
    this.#parts = parts
  }

  append(name: string, bytes: Uint8Array, options: AppendOptions): Promise<number> {
    const { counters, terms } = this.#parts
    const key = this.#names(name, options.open).entries
    let appender = this.#appenders.get(key)
    const refusal = this.#refusal(bytes.length, appender)
    if (refusal !== undefined) {
      counters.dropped++
      return unattended(Promise.reject(refusal))
    }
    if (appender === undefined) {
      const made = new Appender(
        { commands: this.#parts.commands, now: () => terms.clock.now(), patience: terms.patience },
        () => this.#appenders.get(key) === made && this.#appenders.delete(key),
      )
      appender = made
      this.#appenders.set(key, made)
    }
    const appended = appender.append(this.#appending(name, bytes, options))
    counters.published++
    appended.catch(({ code }: BrokerError) => {
      if (code === 'UNKNOWN') counters.failed++
      if (code === 'AWAY' || code === 'STOPPED') counters.dropped++
    })
    return appended
  }

  read(name: string, { after, limit = 100, open }: ReadOptions = {}): Promise<Slice> {
    const { entries, meta, value } = this.#names(name, open)
    const keys = value === undefined ? [entries, meta] : [entries, meta, value]
    const { commands, terms } = this.#parts
    const args = [after === undefined ? '' : String(after), String(limit), String(terms.maxPayload)]
    const reading = commands.run(commands.script('read', keys, args)).then((answer) => {
      const reply = answer as Reply
      if (typeof reply[VALUE] === 'number') this.#skipped(value, reply[VALUE])
      return sliceOf(reply, after, limit)
    })
    return unattended(reading)
  }

  follow(name: string, follower: Follower, { after, open = false }: FollowOptions = {}): Following {
    const { channels, counters, host, own } = this.#parts
    const { channel } = this.#names(name, open)
    const follow: Follow = new Follow(
      {
        read: (after) => this.read(name, after === undefined ? { open, limit: 0 } : { open, after }),
        clock: host.clock,
        failed: host.failed,
        gap: () => counters.gaps++,
      },
      follower,
      after,
      () => {
        this.#follows.delete(follow)
        end()
      },
    )
    this.#follows.add(follow)
    const end = channels.listen(channel, open, {
      listening: () => follow.lookAgain(),
      heard: (envelope) => {
        if (envelope.kind === 'entry') {
          const { kind: _, ...entry } = envelope
          if (entry.from !== own) counters.received++
          follow.heard(entry)
        } else if (envelope.kind === 'message' || envelope.kind === 'foreign') {
          counters.received++
          follow.overheard(envelope.bytes, 'from' in envelope ? envelope.from : undefined)
        }
      },
    })
    return follow
  }

  clear(name: string, { open }: StreamOptions = {}): Promise<boolean> {
    const { entries, value } = this.#names(name, open)
    const command = this.#parts.commands.script(
      'clear',
      value === undefined ? [entries] : [entries, value],
      [],
    )
    return unattended(this.#parts.commands.run(command).then((reply) => reply !== 0))
  }

  /** Makes sure that no follower has missed anything. */
  audit(): void {
    for (const follow of this.#follows) follow.lookAgain()
  }

  stop(): void {
    for (const follow of [...this.#follows]) follow.close()
  }

  #names(name: string, open: boolean | undefined): StreamNames {
    return this.#parts.names.stream(open ? nameOf(name) : name, open)
  }

  /** What another program has set as a value is not what we take. @param size -1 where it is no string */
  #skipped(key: string | undefined, size: number): void {
    const { counters, trouble } = this.#parts
    if (size < 0) {
      counters.garbage++
      trouble.once(
        'no string',
        { key },
        'a value is no string, and was skipped: does another program use its name?',
      )
    } else {
      counters.oversized++
      trouble.once('large value', { key, bytes: size }, 'a value was too large, and skipped')
    }
  }

  /** Why nothing more is taken. */
  #refusal(bytes: number, appender: Appender | undefined): BrokerError | undefined {
    const { maxPayload, queue } = this.#parts.terms
    if (bytes > maxPayload)
      return new BrokerError('TOO_LARGE', `${bytes} bytes are more than maxPayload, ${maxPayload}`)
    return (appender?.bytes ?? 0) + bytes > queue
      ? new BrokerError('AWAY', 'too much waits for Redis')
      : undefined
  }

  #appending(name: string, bytes: Uint8Array, { limit, ttl, tag, memory, open }: AppendOptions): Command {
    const { node, own } = this.#parts
    const { entries, meta, channel, value } = this.#names(name, open)
    const sequence = ++this.#sequence
    const sealed = sealEntry(node, sequence, bytes, tag)
    const keys = value === undefined ? [entries, meta] : [entries, meta, value]
    return {
      key: entries,
      bytes: sealed.length + 64,
      args: (server: Server) => {
        const publish = server.isSharded && value === undefined ? 'SPUBLISH' : 'PUBLISH'
        return server.script('append', keys, [
          ...[own, String(sequence), sealed],
          ...[limit, ttl, memory ?? memoryOf(ttl)].map(String),
          ...[publish, channel, head, server.run],
        ])
      },
    }
  }
}

type Text = Buffer | null
type Stored = [id: Buffer, fields: Buffer[]]
/** What the script answers. */
type Reply = [
  last: Text,
  first: Text,
  from: Text,
  to: Text,
  now: Buffer,
  entries: Stored[],
  /** In its place a number where it was skipped. */
  value: Text | number,
  newest: Stored | null,
]

/** Where it is in an answer. */
const VALUE = 6

function sliceOf(reply: Reply, after: number | undefined, limit: number): Slice {
  const [last, first, from, to, now] = reply.slice(0, 5).map((one) => Number(one ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const [, , , , , found, value, newest] = reply
  const stored = found.map(readStored)
  const isFull = after !== undefined && stored.length >= limit
  const next = after === 0 ? first : after === from && after > 0 ? to + 1 : (after ?? 0) + 1
  return {
    entries: stored.flatMap(({ expires, entry }) => (expires > now && entry !== undefined ? [entry] : [])),
    position: isFull ? (stored.at(-1)?.position ?? last) : last,
    last,
    gap: after === undefined ? undefined : gapOf(after, next, stored[0]?.position, last),
    kept: Buffer.isBuffer(value) ? { bytes: viewOf(value), position: positionOf(value, newest) } : undefined,
  }
}

function gapOf(after: number, next: number, found: number | undefined, last: number): Gap | undefined {
  if (after > last) return { after, position: last }
  if (found !== undefined) return found > next ? { after, position: found - 1 } : undefined
  return last > after ? { after, position: last } : undefined
}

function readStored([id, fields]: Stored): { position: number; expires: number; entry: Entry | undefined } {
  const [position = 0, expires = 0] = id.toString().split('-').map(Number)
  const opened = openEntry(fields[1] ?? Buffer.alloc(0))
  return { position, expires, entry: opened && { position, ...opened } }
}

/** The position of a value that is the newest entry; undefined for any other. */
function positionOf(value: Buffer, newest: Stored | null): number | undefined {
  if (newest === null) return undefined
  const { position, entry } = readStored(newest)
  return entry !== undefined && value.equals(entry.bytes) ? position : undefined
}
