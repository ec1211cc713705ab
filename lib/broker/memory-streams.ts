import { BrokerError, unattended } from './error.ts'
import { Follow } from './follow.ts'
import type { MemoryLink } from './memory-link.ts'
import { channelOf } from './memory-messages.ts'
import { nameOf } from './open-name.ts'
import type {
  AppendOptions,
  Entry,
  Follower,
  Following,
  FollowOptions,
  Kept,
  ReadOptions,
  Slice,
  StreamOptions,
  Streams,
} from './streams.ts'

/** Streams in memory. */
export class MemoryStreams implements Streams {
  readonly #link: MemoryLink
  readonly #follows = new Set<Follow>()

  constructor(link: MemoryLink) {
    this.#link = link
  }

  append(name: string, bytes: Uint8Array, { open, ...options }: AppendOptions): Promise<number> {
    const key = keyOf(name, open)
    const { counters, node } = this.#link
    const taken = bytes.slice()
    const appended = this.#link.ask((hub, now) => {
      const entry = hub.stream(key, now).append(taken, node, options, now)
      if (open) hub.setValue(name, taken, now + options.ttl)
      counters.published++
      hub.send(key, { kind: 'entry', entry })
      return entry.position
    })
    appended.catch((error) => {
      if (error instanceof BrokerError) counters.dropped++
    })
    return appended
  }

  read(name: string, options: ReadOptions = {}): Promise<Slice> {
    return this.#read(name, options)
  }

  follow(name: string, follower: Follower, { after, open }: FollowOptions = {}): Following {
    const key = keyOf(name, open)
    const { counters, host, node } = this.#link
    const follow: Follow = new Follow(
      {
        read: (after) => this.#read(name, after === undefined ? { open, limit: 0 } : { open, after }),
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
    const end = this.#link.listen(key, {
      listening: () => follow.lookAgain(),
      heard: (message) => {
        if (message.kind === 'entry') {
          if (message.entry.from !== node) counters.received++
          follow.heard(copyOf(message.entry))
        } else if (message.kind === 'message') {
          counters.received++
          follow.overheard(message.bytes.slice(), message.from)
        }
      },
    })
    return follow
  }

  clear(name: string, { open }: StreamOptions = {}): Promise<boolean> {
    const key = keyOf(name, open)
    return this.#link.ask((hub, now) => {
      const hadValue = open ? hub.deleteValue(name, now) : false
      return (hub.findStream(key, now)?.clear() ?? false) || hadValue
    })
  }

  stop(): void {
    for (const follow of [...this.#follows]) follow.close()
  }

  #read(name: string, { after, limit = 100, open }: ReadOptions): Promise<Slice> {
    const key = keyOf(name, open)
    return unattended(
      this.#link.ask((hub, now) => {
        const stream = hub.findStream(key, now)
        const value = open ? hub.value(name, now) : undefined
        const kept: Kept | undefined = value && {
          bytes: value.slice(),
          // They are the same array as long as nobody else has set the value.
          position: stream?.newest?.bytes === value ? stream.newest.position : undefined,
        }
        if (stream === undefined) return { ...NOTHING, gap: after ? { after, position: 0 } : undefined, kept }
        const slice = stream.read(after, limit, now)
        return { ...slice, entries: slice.entries.map(copyOf), kept }
      }),
    )
  }
}

const NOTHING = { entries: [], position: 0, last: 0 }

function copyOf(entry: Entry): Entry {
  return { ...entry, bytes: entry.bytes.slice() }
}

/** The channel on which a stream's entries are told, which is its key too. */
function keyOf(name: string, open: boolean | undefined): string {
  return open ? channelOf(nameOf(name), true) : `stream ${name}`
}
