/**
 * A `frames` block: what goes over the wire, line by line, in the order in which it happens.
 *
 * ```
 * > {"event":"hi"}            the client sends this
 * < {"event":"hello"}         the client receives exactly this next; … stands for a value that differs each time
 * ann> …   bob< …             clients by name; one connects when it is first named, to the path of the block
 * ann = /room?x=1 [a, b]      connects elsewhere, or offers subprotocols
 * >| 1000 bye                 the client closes
 * <| 1001 bye                 the server closes
 * $ text                      the program prints this line
 * ! text                      the program says this on its error stream
 * GET /path (name: value)     an HTTP request; "upgrade" stands for the four headers of a handshake
 * 404 {"error":…}             its answer
 * # text                      a remark
 *
 * «name» in what is received stands for a text that is kept under that name; in what is sent, and offered, for that text.
 * ```
 */
export type Step = { line: number } & (
  | { kind: 'connect'; client: string; path: string; subprotocols: string[] }
  | { kind: 'send' | 'receive'; client: string; text: string }
  | { kind: 'close' | 'closed'; client: string; code: number; reason: string }
  | { kind: 'printed' | 'complained'; text: string }
  | { kind: 'request'; method: string; path: string; headers: Record<string, string> }
  | { kind: 'response'; status: number; text: string }
)

const UPGRADE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Reads a block; `firstLine` is where it stands. Throws for a line that is none of the above. */
export function readScript(text: string, path: string, firstLine: number): Step[] {
  const known = new Set<string>()
  return text.split('\n').flatMap((line, i): Step[] => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const step = readStep(line, firstLine + i)
    if (!('client' in step) || known.has(step.client)) return [step]
    known.add(step.client)
    if (step.kind === 'connect') return [step]
    return [{ kind: 'connect', client: step.client, path, subprotocols: [], line: step.line }, step]
  })
}

function readStep(text: string, line: number): Step {
  const end = /^(\w*)([<>])\| (\d+) ?(.*)$/.exec(text)
  if (end !== null) {
    const [, client = '', way, code, reason = ''] = end
    return { kind: way === '>' ? 'close' : 'closed', client, code: Number(code), reason, line }
  }
  const message = /^(\w*)([<>]) (.*)$/.exec(text)
  if (message !== null) {
    const [, client = '', way, text = ''] = message
    return { kind: way === '>' ? 'send' : 'receive', client, text, line }
  }
  const connect = /^(\w*) ?= (\/\S*)(?: \[(.*)\])?$/.exec(text)
  if (connect !== null) {
    const [, client = '', path = '', offered] = connect
    return { kind: 'connect', client, path, subprotocols: offered?.split(', ') ?? [], line }
  }
  const said = /^([$!]) (.*)$/.exec(text)
  if (said !== null) return { kind: said[1] === '$' ? 'printed' : 'complained', text: said[2] ?? '', line }
  const request = /^([A-Z]+) (\/\S*)(?: \((.*)\))?$/.exec(text)
  if (request !== null) {
    const [, method = '', path = '', headers = ''] = request
    return { kind: 'request', method, path, headers: readHeaders(headers), line }
  }
  const response = /^(\d{3})(?: (.*))?$/.exec(text)
  if (response !== null)
    return { kind: 'response', status: Number(response[1]), text: response[2] ?? '', line }
  throw new Error(`line ${line}: "${text}" is nothing that can be played`)
}

function readHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(', ').flatMap((one) => {
      if (one === 'upgrade') return Object.entries(UPGRADE)
      const [name = '', value] = one.split(': ')
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Whether a text is the expected one, in which … stands for any one value; keeps what has a name. */
export function matches(expected: string, text: string, kept: Map<string, string> = new Map()): boolean {
  const parts = expected.split('…').map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
  const anyValue = '(?:"(?:[^"\\\\]|\\\\.)*"|[^",\\]}]+)'
  const form = parts.join(anyValue).replace(/«(\w+)»/g, '(?<$1>[^"]+)')
  const found = new RegExp(`^${form}$`, 's').exec(text)
  for (const [name, value] of Object.entries(found?.groups ?? {})) kept.set(name, value)
  return found !== null
}

/** A text with what was kept in the places of the names. */
export function filled(text: string, kept: ReadonlyMap<string, string>): string {
  return text.replace(/«(\w+)»/g, (_, name: string) => kept.get(name) ?? `«${name}»`)
}
