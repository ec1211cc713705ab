import { type AppStats, PartylineError } from 'partyline'
import type { Guest, Opening, Sent } from './guest.ts'
import type { History } from './history.ts'
import type { Thief } from './thief.ts'

/** All that the app may log. */
const EXPECTED_LOG = 'a client does not keep up with what is sent to it, and is closed'

/** How requests may fail. */
const FAILURES = ['TIMEOUT', 'DISCONNECTED']

/** Fails where either side's application saw anything but what was sent, once and in order, and was not told before. */
export function check(history: History): void {
  const { guests, thieves, ledger, log } = history
  same(ledger.wrong, [], 'what is wrong on the server')
  const logged = log.entries.map(({ message }) => message).filter((message) => message !== EXPECTED_LOG)
  same(logged, [], 'the log')
  for (const [sid, life] of ledger.lives)
    if (!/^O(SR)*S?C?$/.test(life)) fail(`session ${sid} lived through ${life}`)
  for (const { key, sid } of ledger.unasked)
    if (!ledger.lives.get(sid)?.endsWith('C')) fail(`session ${sid} was not asked for ${key}`)
  for (const guest of guests) {
    same(guest.errors, [], `the errors of guest ${guest.number}`)
    checkOpenings(guest)
    checkHandled(guest, history)
    checkCalls(guest, history)
    checkHeard(guest, history)
  }
  for (const thief of thieves) checkThief(thief, history)
}

/** Fails where anything is left when everybody has gone; the figures are those before the app was stopped. */
export function checkEnd(
  { ledger, guests }: History,
  { sockets, suspended, rooms, keptBytes }: AppStats,
): void {
  same([sockets, suspended, rooms, keptBytes], [0, 0, 0, 0], 'sockets, suspended, rooms and keptBytes')
  same([...ledger.live.keys()], [], 'sessions without @OnClose')
  for (const { key, sid, life, answer, error } of ledger.asked) {
    // What was asked before a crash was asked by nobody who is there.
    if (life !== ledger.life) continue
    if ((answer === undefined) === (error === undefined)) fail(`request ${key} to ${sid} settled not once`)
    if (answer !== undefined && answer !== key) fail(`request ${key} to ${sid} was answered ${answer}`)
    if (error !== undefined && !FAILURES.some((code) => hasCode(error, code))) throw error
  }
  for (const { number, sent, ran } of guests) {
    for (const [key, times] of ran) if (times > 1) fail(`guest ${number} ran request ${key} ${times} times`)
    for (const { n, kind, answer, error } of sent)
      if (kind === 'call' && answer === undefined && error === undefined)
        fail(`call ${n} of guest ${number} never settled`)
  }
}

/** `recovered` is said where the session is the one before, and only there. */
function checkOpenings({ number, openings }: Guest): void {
  for (const [i, { sid, recovered, lost }] of openings.entries()) {
    const before = openings[i - 1]?.sid
    if (recovered !== (sid === before))
      fail(`guest ${number} was told recovered: ${recovered}, in ${sid} after ${before}`)
    if (recovered && lost > 0) fail(`guest ${number} was told recovered: true, and ${lost} lost`)
  }
}

/**
 * What the server handled of a client's: in each session in order and without a gap. What is missing was sent in a session
 * that is gone, of which the client was told.
 */
function checkHandled({ number, sent, openings, client }: Guest, { ledger }: History): void {
  const all = new Set<number>()
  /** What was sent from one number to another, and had to be handled. */
  const missing = (begin: number, end: number): Sent[] =>
    sent.slice(begin, end).filter(({ n, kind, error }) => !all.has(n) && isOwed(kind, error))
  const checkMissing = (end: number, openings: readonly Opening[]): void => {
    const begin = openings.findLastIndex(({ recovered }) => !recovered)
    const lost = openings.reduce((sum, { lost }) => sum + lost, 0)
    const emits = missing(0, end).filter(({ kind }) => kind === 'emit')
    for (const { n, line } of emits)
      if (line >= begin) fail(`guest ${number}: ${n} is missing, and nobody said so`)
    if (ledger.isPrompt && emits.length > lost)
      fail(`guest ${number}: ${numbers(emits)} are missing, and ${lost} were said to be lost`)
  }
  for (const [i, { sid, recovered }] of openings.entries()) {
    if (recovered) continue
    let last = 0
    for (const { from, n } of ledger.handled.get(sid) ?? []) {
      if (from !== number) continue
      if (all.has(n)) fail(`guest ${number}: ${n} was handled twice`)
      if (n <= last) fail(`guest ${number}: ${n} was handled after ${last}`)
      all.add(n)
      const gap = missing(last, n)
      if (last === 0) checkMissing(n, openings.slice(0, i + 1))
      else if (gap.length > 0)
        fail(`guest ${number}: ${numbers(gap)} were not handled between ${last} and ${n}`)
      last = n
    }
  }
  if (client.closed !== undefined) return
  if (client.state !== 'open') fail(`guest ${number} is ${client.state}`)
  checkMissing(sent.length, openings)
}

function numbers(list: readonly Sent[]): number[] {
  return list.map(({ n }) => n)
}

/** Whether something has to be handled: a call that ended before there was a line was not sent. */
function isOwed(kind: Sent['kind'], error: unknown): boolean {
  return kind === 'emit' || (kind === 'call' && error === undefined)
}

function checkCalls({ number, sent, openings, client }: Guest, { ledger }: History): void {
  const handled = new Set<number>()
  for (const { sid } of openings)
    for (const { from, n } of ledger.handled.get(sid) ?? []) if (from === number) handled.add(n)
  const begin = openings.findLastIndex(({ recovered }) => !recovered)
  const wasTold = client.closed !== undefined || openings.some(({ recovered }, i) => i > 0 && !recovered)
  for (const { n, kind, line, answer, error } of sent) {
    if (kind !== 'call') continue
    if (answer === undefined && error === undefined && (line < begin || (ledger.isPrompt && handled.has(n))))
      fail(`guest ${number}: call ${n} waits for an answer that cannot come`)
    if (answer !== undefined && answer !== -n) fail(`guest ${number}: ${n} was answered ${answer}`)
    if (answer !== undefined && !handled.has(n)) fail(`guest ${number}: ${n} was answered, and never ran`)
    if (error === undefined) continue
    if (!FAILURES.some((code) => hasCode(error, code))) throw error
    if (hasCode(error, 'DISCONNECTED') && !wasTold)
      fail(`guest ${number}: ${n} failed, and nothing had happened`)
  }
}

/** What a client heard in each session is what was sent to it from its beginning, up to where the session ended for it. */
function checkHeard({ number, heard, client, openings }: Guest, { ledger }: History): void {
  for (const [sid, list] of heard) {
    const sent = ledger.sent.get(sid) ?? []
    const isOver = sid !== client.sid || client.closed !== undefined
    checkPart(
      list,
      sent,
      0,
      isOver,
      `guest ${number} in session ${openings.findIndex((one) => one.sid === sid)}`,
    )
  }
  const { sid = '' } = client
  if (client.closed === undefined && !heard.has(sid))
    same([], ledger.sent.get(sid) ?? [], `guest ${number} in its last session`)
}

function checkThief(
  { number, heard, sid, recovered, isOther, offset, line, sent }: Thief,
  { ledger }: History,
): void {
  if (isOther && recovered) fail('another user has resumed a session')
  const words = (ledger.handled.get(sid) ?? []).filter(({ from }) => from === number).map(({ n }) => n)
  checkPart(
    words,
    Array.from({ length: sent }, (_, i) => i + 1),
    0,
    line.closed !== undefined,
    `the words of thief ${number}`,
  )
  const begin = recovered ? offset : 0
  checkPart(heard, ledger.sent.get(sid) ?? [], begin, line.closed !== undefined, `thief ${number}`)
}

/** Holds a list against another from a place on; where it is over, it may end early. */
function checkPart(
  list: readonly number[],
  whole: readonly number[],
  begin: number,
  isOver: boolean,
  what: string,
): void {
  same(list, whole.slice(begin, isOver ? begin + list.length : whole.length), what)
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof PartylineError && error.code === code
}

function same(value: readonly unknown[], expected: readonly unknown[], what: string): void {
  if (value.length === expected.length && value.every((one, i) => one === expected[i])) return
  const at = value.findIndex((one, i) => one !== expected[i])
  fail(
    `${what}: ${value.length} of ${expected.length}, and from ${at} on ${value.slice(at, at + 9)} is not ${expected.slice(at, at + 9)}`,
  )
}

function fail(message: string): never {
  throw new Error(message)
}
