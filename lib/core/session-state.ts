import { pack, parsed, unpack } from '../nodes/parcel.ts'
import type { JournalState, Kept } from './journal.ts'

/** Where a session can be found, as its record says. */
export interface Whereabouts {
  /** The node that has it; empty where any may take it. */
  readonly node: string
  /** The gateway's path. */
  readonly path: string
  /** Another one for each node that has had it: what the last one still writes is no part of it. */
  readonly generation: string
}

/** Who a session is. */
export interface SessionTerms {
  /** From where its positions are counted. */
  readonly base: number
  readonly params: Readonly<Record<string, string>>
  readonly user: string | null
  readonly codec: string
  /** By which it is known again. */
  readonly tokens: readonly string[]
}

/** What a session's member says of itself, by room. */
export type PresenceStates = readonly (readonly [room: string, state: unknown])[]

/** What has happened to a session in one turn of its node, or all of it, where it is `whole`. */
export interface Turn {
  /** 1, 2, and so on, without a gap. */
  readonly number: number
  readonly isWhole: boolean
  /** The last position that its node had given, to anybody. */
  readonly last: number
  readonly received: number
  readonly acknowledged: number
  readonly lost: number
  /** Whether something has begun that has not come to its end: an event, or what is called as a session begins or goes on. */
  readonly isBusy: boolean
  /** The id of the last request to the client. */
  readonly request: number
  /** What was sent to it alone. */
  readonly kept: readonly Kept[]
  /** These where they have changed. */
  readonly terms?: SessionTerms
  readonly rooms?: Pick<JournalState, 'begin' | 'entered' | 'stays'>
  readonly states?: PresenceStates
  /** As JSON. */
  readonly data?: string
}

/** All that another node needs to go on with a session. */
export interface SessionState {
  readonly terms: SessionTerms
  readonly journal: JournalState
  readonly kept: readonly Kept[]
  readonly last: number
  readonly request: number
  readonly isBusy: boolean
  readonly data: object
  readonly states: PresenceStates
}

export function packWhereabouts({ node, path, generation }: Whereabouts): Uint8Array {
  return pack({ text: JSON.stringify({ node, path, generation }), payloads: [] })
}

/** Undefined for what says nothing of the kind. */
export function unpackWhereabouts(bytes: Uint8Array): Whereabouts | undefined {
  const { node, path, generation } = (parsed(unpack(bytes)?.text) ?? {}) as Partial<Whereabouts>
  const isSound = [node, path, generation].every((one) => typeof one === 'string')
  return isSound ? ({ node, path, generation } as Whereabouts) : undefined
}

export function packTurn({ kept, ...turn }: Turn): Uint8Array {
  const text = JSON.stringify({ ...turn, at: kept.map(({ pos }) => pos) })
  return pack({ text, payloads: kept.map(({ payload }) => payload) })
}

/** Undefined for what is none. */
export function unpackTurn(bytes: Uint8Array): Turn | undefined {
  const parcel = unpack(bytes)
  if (parcel === undefined) return undefined
  const { at, ...turn } = (parsed(parcel.text) ?? {}) as Turn & { at?: unknown }
  if (!Array.isArray(at) || at.length !== parcel.payloads.length) return undefined
  const numbers = [turn.number, turn.last, turn.received, turn.acknowledged, turn.lost, turn.request, ...at]
  if (!areIntegers(numbers) || !areSound(turn)) return undefined
  return { ...turn, kept: parcel.payloads.map((payload, i) => ({ pos: at[i] as number, payload })) }
}

/** Whether what a turn may have is what it ought to be: another version may mean something else by it. */
function areSound({ terms, rooms, states, data }: Partial<Turn>): boolean {
  const isSound = (one: unknown, fits: (one: object) => boolean): boolean =>
    one === undefined || (typeof one === 'object' && one !== null && fits(one))
  return (
    isSound(
      terms,
      () => isListOf(terms?.tokens, isText) && typeof terms?.params === 'object' && terms.params !== null,
    ) &&
    isSound(rooms, () => areIntegers([rooms?.begin]) && areRows(rooms?.entered) && areRows(rooms?.stays)) &&
    isSound(states, () => isListOf(states, (one) => Array.isArray(one) && isText(one[0]))) &&
    (data === undefined || isText(data))
  )
}

/** Whether all are a room's name and positions. */
function areRows(rows: unknown): boolean {
  return isListOf(rows, (row) => Array.isArray(row) && isText(row[0]) && areIntegers(row.slice(1)))
}

function areIntegers(numbers: readonly unknown[]): boolean {
  return numbers.every((one) => Number.isSafeInteger(one))
}

function isListOf(list: unknown, fits: (one: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(fits)
}

function isText(one: unknown): boolean {
  return typeof one === 'string'
}

/** What a session is after its turns, in order; undefined where any is missing. */
export function stateAfter(turns: readonly Turn[]): SessionState | undefined {
  const begin = turns.findLastIndex(({ isWhole }) => isWhole)
  const known = begin < 0 ? [] : turns.slice(begin)
  const latest = known.at(-1)
  if (latest === undefined || known.some(({ number }, i) => number !== (known[0] as Turn).number + i))
    return undefined
  const terms = known.findLast((one) => one.terms !== undefined)?.terms
  const rooms = known.findLast((one) => one.rooms !== undefined)?.rooms
  const data = parsed(known.findLast((one) => one.data !== undefined)?.data)
  if (terms === undefined || rooms === undefined || typeof data !== 'object' || data === null)
    return undefined
  const { received, acknowledged, lost, last, request, isBusy } = latest
  return {
    terms,
    journal: { ...rooms, received, acknowledged, lost },
    kept: known.flatMap(({ kept }) => kept).filter(({ pos }) => pos > Math.max(acknowledged, lost)),
    last,
    request,
    isBusy,
    data,
    states: known.findLast((one) => one.states !== undefined)?.states ?? [],
  }
}

/**
 * Data as JSON; undefined where that would not be the same when it is read: for functions, dates, maps, instances of classes, numbers
 * that are none.
 */
export function plainJson(data: object): string | undefined {
  let isPlain = true
  function keep(this: Record<string, unknown>, key: string, value: unknown): unknown {
    // A date has become a text by now.
    isPlain &&= isPlainValue(this[key])
    return value
  }
  try {
    const text = JSON.stringify(data, keep)
    return isPlain ? text : undefined
  } catch {
    return undefined
  }
}

function isPlainValue(value: unknown): boolean {
  switch (typeof value) {
    case 'object': {
      if (value === null || Array.isArray(value)) return true
      const prototype: unknown = Object.getPrototypeOf(value)
      return prototype === null || prototype === Object.prototype
    }
    case 'number':
      return Number.isFinite(value)
    case 'string':
    case 'boolean':
    case 'undefined':
      return true
    default:
      return false
  }
}
