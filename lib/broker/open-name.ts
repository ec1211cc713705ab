/**
 * The name of an open stream, as it is. Throws a TypeError where it has braces in it: in a Redis cluster they decide where
 * a key lies, and what belongs to one stream has to lie together.
 */
export function nameOf(stream: string): string {
  if (/[{}]/.test(stream))
    throw new TypeError(`the open stream "${stream}" has a brace in its name: choose one without { and }.`)
  return stream
}
