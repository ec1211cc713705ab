// @ts-check
// A client on whatever runs this file: `smoke.mjs <the client's module> <url>`. It says what it saw, and ends by itself.
const [module = '', url = ''] = globalThis.process?.argv.slice(2) ?? []
const { connect, PartylineError } = await import(module)

/** @type {unknown[]} */
const saw = []
const party = connect(url, { backoff: { min: 1, max: 50 } })
party.when('open', (/** @type {unknown} */ beginning) => saw.push(beginning))
const bye = new Promise((resolve) => party.once('bye', resolve))
saw.push(await party.call('sum', [1, 2]))
saw.push(
  await party
    .call('refuse')
    .catch((/** @type {Error & { code?: string }} */ error) => [error instanceof PartylineError, error.code]),
)
saw.push(
  await new Promise((resolve) =>
    party.once('echo', (/** @type {unknown[]} */ ...args) => resolve(args)).emit('echo', 1, 'ü'),
  ),
)
// The server cuts the line; what is sent meanwhile waits for the next.
const again = new Promise((resolve) => party.when('reconnecting', resolve))
party.emit('restart')
await again
saw.push(await party.call('sum', [3, 4]))
const closed = new Promise((resolve) => party.when('closed', resolve))
party.emit('leave')
saw.push(await bye)
saw.push(await closed)
console.log(JSON.stringify(saw))
