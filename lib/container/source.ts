import type { AnyClass } from './class.ts'

/** What has brackets and words that are no code. */
const OPAQUE = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g

/** A bracket, a comma, or the beginning of a constructor. */
const SIGNS = /[([{,}\])]|(?<![\w$#.])constructor(?=\s*\()/g

/** A parameter that is a name, with a default value or without. */
const NAME = /^\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(?:$|=)/u

/** A constructor as the source of its class shows it. */
export interface ShownConstructor {
  /** The names of its parameters; undefined for those that have none of their own. */
  readonly names: readonly (string | undefined)[]
  /**
   * Whether it only hands on what it is given. Compilers write such a constructor where a class has none, for the sake of
   * its fields and decorators.
   */
  readonly handsOn: boolean
}

/** The constructor that stands in a class's own source; undefined where there is none, or none that is plain to see. */
export function constructorOf(target: AnyClass): ShownConstructor | undefined {
  const source = Function.prototype.toString.call(target).replace(OPAQUE, (found) => ' '.repeat(found.length))
  const parameters: string[] = []
  let depth = 0
  let begin: number | undefined
  let isFound = false
  for (const { 0: sign, index } of source.matchAll(SIGNS)) {
    if (sign === 'constructor') isFound ||= depth === 1
    else if (sign === ',') {
      if (begin === undefined || depth !== 2) continue
      parameters.push(source.slice(begin, index))
      begin = index + 1
    } else if ('([{'.includes(sign)) {
      if (isFound) begin ??= index + 1
      depth++
    } else if (--depth === 1 && begin !== undefined) {
      return shown([...parameters, source.slice(begin, index)], source.slice(index + 1))
    }
  }
  return undefined
}

function shown(parameters: readonly string[], body: string): ShownConstructor {
  const takesNothing = parameters.every((one) => /^\s*(?:\.\.\.|$)/.test(one))
  return {
    names: parameters.map((one) => NAME.exec(one)?.[1]),
    handsOn: takesNothing && /^[^}]*\bsuper\(\s*\.\.\./.test(body),
  }
}
