import { parseArgs } from 'node:util'
import type { App } from '../core/app.ts'
import type { ListenOptions } from '../core/connection.ts'
import { PartylineError } from '../protocol/error.ts'
import { environment } from './environment.ts'

declare const process: { argv: string[]; exit(code: number): never }

/** Where an app listens if neither flags nor environment say. */
export interface RunOptions {
  /** Default `localhost`. */
  host?: string
  /** Default 3000. */
  port?: number
}

const USAGE = `usage: [--host HOST] [--port PORT] [[HOST:]PORT | HOST]
  Without flags HOST and PORT come from the environment. Host 0 is all interfaces, port 0 any free one.`

/**
 * What a program's last line does: listens where the flags (`--host`, `--port`, or `[host:]port` or a host), then HOST and PORT,
 * then the options say; prints the address. What goes wrong is one line on the error stream, and exit code 1.
 *
 * @example
 * ```ts no-run
 * import { createApp, Gateway, run } from 'partyline'
 *
 * @Gateway('/party')
 * class PartyGateway {}
 *
 * await run(createApp(PartyGateway))
 * ```
 */
export async function run(app: App, options: RunOptions = {}): Promise<void> {
  try {
    const variables = { HOST: environment('HOST'), PORT: environment('PORT') }
    const where = addressFrom(process.argv.slice(2), variables, options)
    if (where === 'help') return console.log(USAGE)
    const { url } = await app.listen(where)
    console.log(`listening on ${url}`)
  } catch (error) {
    // What was built for it may have to be put in order.
    await app.stop()
    if (!(error instanceof PartylineError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

/** Where to listen, by flags, environment and defaults, in that order. Throws a `PartylineError` LISTEN_FAILED. */
export function addressFrom(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  { host = 'localhost', port = 3000 }: RunOptions = {},
): ListenOptions | 'help' {
  const flags = parse(args)
  if (flags.help) return 'help'
  const [place, ...more] = flags.positionals
  if (more.length > 0) throw wrong(`one [HOST:]PORT is enough, "${more.join(' ')}" is too much`)
  const given: { host?: string; port?: string } = place === undefined ? {} : split(place)
  return {
    hostname: hostFrom(flags.host ?? given.host ?? (env.HOST || host)),
    port: portFrom(flags.port ?? given.port ?? (env.PORT || String(port))),
  }
}

interface Flags {
  host?: string
  port?: string
  help?: boolean
  positionals: string[]
}

function parse(args: readonly string[]): Flags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { host: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    return { ...values, positionals }
  } catch (error) {
    // The first sentence says what is wrong; the others go on about dashes, over several lines.
    const [problem = ''] = (error as Error).message.split(/\.\s/)
    throw wrong(`${problem}; see --help`)
  }
}

/** `8000`, `:8000`, `localhost:8000`, `[::1]:8000`; or a host alone: `localhost`, `::1`, `[::1]`. */
function split(place: string): { host?: string; port?: string } {
  const colon = place.lastIndexOf(':')
  const isAddress = place.endsWith(']') || (!place.startsWith('[') && place.indexOf(':') < colon)
  if (isAddress || (colon < 0 && !/^\d/.test(place))) return { host: place }
  if (colon <= 0) return { port: place.slice(colon + 1) }
  return { host: place.slice(0, colon), port: place.slice(colon + 1) }
}

function hostFrom(text: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1')
  if (host === '0') return '0.0.0.0'
  if (!/^[\w.:%-]+$/.test(host)) throw wrong(`"${text}" is no host`)
  return host
}

function portFrom(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw wrong(`"${text}" is no port: a port is a whole number from 0 to 65535`)
  return port
}

function wrong(problem: string): PartylineError {
  return new PartylineError('LISTEN_FAILED', `cannot listen: ${problem}`)
}
