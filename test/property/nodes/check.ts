import type { Told } from './chronicle.ts'
import type { History } from './history.ts'
import type { Wanderer } from './wanderer.ts'

/** What may be logged. */
const EXPECTED = [
  'stopping took too long: what is left is cut off',
  'what another node asked for could not be done (said once)',
]

/** Fails where a session that says it was recovered has lost something, or has anything twice or out of order. */
export function check(history: History): void {
  const { chronicle, guests } = history
  same(chronicle.wrong, [], 'what is wrong')
  for (const guest of guests) {
    same(guest.errors, [], `the errors of guest ${guest.number}`)
    if (!guest.isOpen) fail(`guest ${guest.number} has no line`)
    checkHandled(guest, history)
    for (const [sid, heard] of guest.heard) checkHeard(guest, sid, heard, history)
    for (const [key, times] of guest.ran)
      if (times > 1) fail(`guest ${guest.number} ran ${key} ${times} times`)
  }
  for (const { key, ends } of chronicle.requests) if (ends.length > 1) fail(`request ${key} ended twice`)
}

/** Fails for what was logged when everything has ended. */
export function checkEnd({ logged }: History): void {
  const unexpected = logged.filter((message) => !EXPECTED.includes(message))
  same(unexpected, [], 'the log')
}

/** What was handled of a client's: once, in order, without a gap; all of it, in the session that it has. */
function checkHandled({ number, sent, openings, sid: latest }: Wanderer, { chronicle }: History): void {
  for (const sid of new Set(openings.map((one) => one.sid))) {
    const said = sent.filter((one) => one.sid === sid)
    const done = chronicle.done.filter((one) => one.sid === sid && one.guest === number)
    const sure = done.filter(({ isGone }) => !isGone).map(({ n }) => n)
    const gone = new Set(done.filter(({ isGone }) => isGone).map(({ n }) => n))
    const owed = said.map(({ n }) => n).filter((n) => sure.includes(n) || !gone.has(n))
    const whole = sid === latest ? owed : owed.slice(0, sure.length)
    same(sure, whole, `what was handled of guest ${number} in ${sid}`)
    for (const { n, isCall, answer } of said) {
      if (answer !== undefined && answer !== -n) fail(`guest ${number}: ${n} was answered ${answer}`)
      if (isCall && sid === latest && answer === undefined && !gone.has(n))
        fail(`guest ${number}: ${n} was not answered`)
    }
  }
}

/** What a client heard in a session is what was sent to it: of each node in order and without a gap. */
function checkHeard(guest: Wanderer, sid: string, heard: readonly number[], { chronicle }: History): void {
  const what = `guest ${guest.number} in ${sid}`
  const { room: mine, begin = 0 } = chronicle.sessions.get(sid) ?? {}
  const own = chronicle.sent.slice(begin).filter(({ sids }) => sids.has(sid))
  // What others sent before it began may come to its node after that.
  const early = chronicle.sent.filter(
    ({ isDirect, room }) => !isDirect && (room === undefined || room === mine),
  )
  const known = new Set([...own, ...early].map(({ k }) => k))
  for (const k of heard) if (!known.has(k)) fail(`${what} heard ${k}, which was not for it`)
  if (new Set(heard).size < heard.length) fail(`${what} heard something twice: ${heard}`)
  const isLatest = sid === guest.sid
  for (const list of bySender(own)) {
    const sent = list.filter(({ isGone, k }) => !isGone || heard.includes(k)).map(({ k }) => k)
    const ks = new Set(list.map(({ k }) => k))
    const came = heard.filter((k) => ks.has(k))
    same(came, isLatest ? sent : sent.slice(0, came.length), what)
  }
}

/** What each node sent to many, and to this session alone, in order. */
function bySender(all: readonly Told[]): Told[][] {
  const lists = new Map<string, Told[]>()
  for (const one of all) {
    const key = `${one.node} ${one.isDirect}`
    lists.set(key, [...(lists.get(key) ?? []), one])
  }
  return [...lists.values()]
}

function same(value: readonly unknown[], expected: readonly unknown[], what: string): void {
  if (value.length === expected.length && value.every((one, i) => one === expected[i])) return
  fail(`${what}: ${value.join(' ')} is not ${expected.join(' ')}`)
}

function fail(message: string): never {
  throw new Error(message)
}
