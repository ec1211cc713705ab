import { publishEndpoint } from '../channels/endpoint.ts'
import type { Publisher } from '../channels/publisher.ts'
import { BootError } from '../container/mod.ts'
import { withoutTrace } from '../protocol/error.ts'
import type { HttpRules } from './http.ts'
import type { PublishRoute } from './options.ts'
import { normalise } from './path.ts'
import { SCRIPT_PATH } from './script.ts'

/**
 * Where an app takes messages by HTTP, and what answers there; undefined where it takes none.
 *
 * @throws BootError for a key that is too short, and for a path where something else is
 */
export function publishRoute(
  route: PublishRoute | undefined,
  publisher: Publisher,
  failed: (error: unknown) => void,
): HttpRules['publish'] {
  if (route === undefined) return undefined
  const { path: given = '/publish', ...options } = route
  const path = normalise(given)
  if (['/', '/healthz', SCRIPT_PATH].includes(path))
    throw mistake(`the option publish.path is ${path}, where something else is: give another.`)
  try {
    return { path, answer: publishEndpoint({ ...options, publisher, failed }) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw mistake(`the option publish.key: ${error.message}`)
  }
}

function mistake(problem: string): BootError {
  return withoutTrace(() => new BootError([problem]))
}
