import { isOriginAllowed } from '../../core/origin.ts'
import type { CorsOptions } from './options.ts'

/** Tells browsers which pages of other origins may read what is polled (the Fetch standard, section 3.3). */
export class Cors {
  readonly #options: CorsOptions
  readonly #failed: (error: unknown) => void

  /** @param failed told where the function `origins` throws, which allows nothing */
  constructor(options: true | CorsOptions, failed: (error: unknown) => void) {
    this.#options = options === true ? {} : options
    this.#failed = failed
  }

  /** What every answer to that request says. */
  headers(request: Request): Record<string, string> {
    const { origins = '*', credentials = false } = this.#options
    // What is the same for all may be cached for all.
    if (origins === '*' && !credentials) return { 'access-control-allow-origin': '*' }
    const origin = request.headers.get('origin')
    if (origin === null || !this.#allows(request)) return { vary: 'Origin' }
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      ...(credentials && { 'access-control-allow-credentials': 'true' }),
    }
  }

  /** The answer to a browser that asks before it sends. */
  preflight(request: Request): Response {
    const { headers, maxAge } = this.#options
    const wanted = headers?.join(', ') ?? request.headers.get('access-control-request-headers')
    const own = this.headers(request)
    const vary = [own.vary, headers === undefined ? 'Access-Control-Request-Headers' : undefined]
    return new Response(null, {
      status: 204,
      headers: {
        ...own,
        vary: vary.filter((one) => one !== undefined).join(', '),
        'access-control-allow-methods': 'GET, POST',
        ...(wanted && { 'access-control-allow-headers': wanted }),
        ...(maxAge !== undefined && { 'access-control-max-age': `${maxAge}` }),
      },
    })
  }

  #allows(request: Request): boolean {
    try {
      return isOriginAllowed(
        request,
        new URL(request.url, 'http://localhost'),
        this.#options.origins ?? '*',
        0,
      )
    } catch (error) {
      this.#failed(error)
      return false
    }
  }
}
