import { withoutTrace } from '../protocol/error.ts'

/** What reads and writes the bytes; its types stay out of ours. */
export type Library = typeof import('@msgpack/msgpack')

// A codec is asked without waiting, so what it needs has to be there when the module is. That it is missing matters to
// those only who call msgpack(), not to those who import a type.
const library: Library | undefined = await import('@msgpack/msgpack').catch(() => undefined)

/** The package that does the work, an optional peer. Throws where it is not installed. */
export function theLibrary(): Library {
  if (library !== undefined) return library
  throw withoutTrace(
    () =>
      new Error(
        'msgpack() needs the package @msgpack/msgpack, which is not there: npm install @msgpack/msgpack',
      ),
  )
}
