import { Presence } from 'partyline'
import { redis } from 'partyline/redis'

/** What the measurement tells a node to do; each is answered by a number. */
export type PresenceQuestion =
  /** So many members enter; answers when Redis has them all. */
  | { enter: number; state: boolean }
  /** In so many milliseconds so many leave, each followed by another who enters; or for comparison nobody, at the same times. */
  | { churn: number; within: number; how: Churn }
  /** How many members the watcher sees, how many changes it was told, microseconds of CPU so far, milliseconds that a list takes. */
  | 'members'
  | 'changes'
  | 'cpu'
  | 'list'

export type Churn = { linger: boolean; state: boolean } | 'nobody'

const ROOM = 'hall'
const broker = redis({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}` })
const presence = new Presence({ broker, path: '/bench', linger: 1_000 })
const ids: string[] = []
let count = 0
let changes = 0

const watch = presence.watch(ROOM, ({ joined, left }) => {
  changes += joined.length + left.length
})
broker.start({ clock: { now: Date.now, setTimeout, clearTimeout: clearAnyTimeout }, log: console })
process.on('message', async (question: PresenceQuestion) => process.send?.(await answer(question)))
process.on('disconnect', () => process.exit())
await watch.ready
process.send?.(0)

async function answer(question: PresenceQuestion): Promise<number> {
  if (question === 'members') return watch.members.length
  if (question === 'changes') return changes
  if (question === 'list') {
    const begin = performance.now()
    await broker.rosters.list(`presence:/bench:${ROOM}`)
    return performance.now() - begin
  }
  if (question === 'cpu') {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  if ('enter' in question) {
    for (let n = 0; n < question.enter; n++) enter(question.state)
    return ids.length
  }
  await churn(question.churn, question.within, question.how)
  return ids.length
}

/** One at a time, as people come and go: nothing of two of them travels together. */
async function churn(pairs: number, within: number, how: Churn): Promise<void> {
  const begin = performance.now()
  for (let step = 0; step < 2 * pairs; step++) {
    const wait = begin + (step * within) / (2 * pairs) - performance.now()
    if (wait > 0) await Bun.sleep(wait)
    if (how === 'nobody') continue
    if (step % 2 === 0) presence.leave(ROOM, ids.shift() ?? '', { linger: how.linger })
    else enter(how.state)
  }
}

function enter(state: boolean): void {
  // As long as the id of a session, and that of a user.
  const connection = crypto.randomUUID()
  const user = `user-${process.pid}-${++count}`
  presence.enter(ROOM, connection, { id: user, ...(state && { state: { mood: 'glad', table: count % 50 } }) })
  ids.push(connection)
}

function clearAnyTimeout(timer: unknown): void {
  clearTimeout(timer as Timer)
}
