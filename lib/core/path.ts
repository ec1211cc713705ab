import { parse } from 'regexparam'

/** A gateway's path, ready to be compared with what clients ask for. */
export interface Pattern {
  /** The parameters of a path that fits, or undefined for one that does not. */
  match(path: string): Record<string, string> | undefined
  /** Without the names of its parameters: two gateways with the same shape would never be told apart. */
  readonly shape: string
  /** Whether it has no parameters, and so fits one path only. */
  readonly isFixed: boolean
}

/** With a slash in front and none at the end, and no empty segments: `party/` is `/party`. */
export function normalise(...parts: string[]): string {
  return `/${parts
    .join('/')
    .split('/')
    .filter((segment) => segment !== '')
    .join('/')}`
}

/** Compiles a normalised path; `defaults` are what optional parameters are when they are left out. */
export function compilePath(path: string, defaults: Readonly<Record<string, string>> = {}): Pattern {
  const { keys, pattern } = parse(path.split('/').map(literal).join('/'))
  // A fixed path is compared letter by letter; regexparam's own expression would ignore case.
  const exact = new RegExp(pattern.source)
  return {
    shape: path.replace(/:[^/]+/g, ':'),
    isFixed: keys.length === 0,
    match(asked) {
      const found = exact.exec(asked)
      if (found === null) return undefined
      const params: Record<string, string> = { ...defaults }
      for (const [i, key] of keys.entries()) {
        const value = found[i + 1]
        if (value !== undefined) params[key] = value
      }
      return params
    },
  }
}

/** A segment in which nothing but a parameter means anything else than itself: regexparam escapes no text. */
function literal(segment: string): string {
  return segment.startsWith(':') ? segment : segment.replace(/[$()+.]/g, '\\$&')
}

/** The mistakes in a gateway's path, in words. */
export function pathProblems(path: string, defaults: Readonly<Record<string, string>> = {}): string[] {
  const segments = path.split('/').slice(1)
  const names = segments.filter((one) => one.startsWith(':')).map((one) => one.replace(/^:|\?$/g, ''))
  const optional = segments.findIndex((one) => one.endsWith('?'))
  const strange = segments.filter((one) => !/^(?::[A-Za-z_][\w]*\??|[\w.~@!$&'()+,;=%-]*)$/.test(one))
  return [
    ...strange.map((one) => `"${one}" is no segment: use plain text, ":name", or ":name?" at the end`),
    ...(optional >= 0 && optional < segments.length - 1
      ? [`"${segments[optional]}" is not last: only the last may be left out`]
      : []),
    ...(new Set(names).size < names.length ? ['two of its parameters have the same name'] : []),
    ...Object.keys(defaults)
      .filter((name) => !segments.includes(`:${name}?`))
      .map((name) => `its option params.${name} is for a last segment ":${name}?", which the path has not`),
  ]
}
