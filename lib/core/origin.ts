/** Which web pages may connect: those of these origins, those that the function allows, or `'*'` for all of them. */
export type Origins = readonly string[] | ((origin: string, request: Request) => boolean) | '*'

/**
 * Whether a page's request may connect. Without `origins` only pages of the same host may; a request without an Origin
 * comes from no browser, and passes. Throws what the function throws.
 */
export function isOriginAllowed(
  request: Request,
  url: URL,
  origins: Origins | undefined,
  proxies: number,
): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || origins === '*') return true
  // Only true opens: a promise, of a function that was not to be asynchronous, has not allowed anything.
  if (typeof origins === 'function') return origins(origin, request) === true
  if (origins !== undefined) return origins.some((one) => one === origin || originOf(one) === origin)
  return isSameHost(origin, askedHost(request, url, proxies))
}

/** The address of who asks: behind proxies that are trusted, what the outermost of them says. */
export function addressOf({ headers }: Request, ip: string, proxies: number): string {
  const forwarded = proxies > 0 ? headers.get('x-forwarded-for') : null
  if (forwarded === null) return ip
  // Each proxy adds at the end whom it heard from; what stands before came from the client, who may say anything. Who came
  // past fewer proxies is the first in the list.
  const list = forwarded.split(',')
  return list[Math.max(0, list.length - proxies)]?.trim() || ip
}

/** What is wrong with a number of proxies, in words. */
export function proxyProblems(proxies: number): string[] {
  if (Number.isInteger(proxies) && proxies >= 0) return []
  return [`trustProxy is ${proxies}: it is the number of proxies in front of the app, or true for one.`]
}

/** The host that the page's browser asked for: each proxy adds at the end what it was asked for itself. */
function askedHost({ headers }: Request, url: URL, proxies: number): string {
  const forwarded = proxies > 0 ? headers.get('x-forwarded-host')?.split(',')[0]?.trim() : undefined
  return forwarded || headers.get('host') || url.host
}

/** Read as urls of the page's scheme, so that case and a default port make no difference. */
function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin)
  // Of what has no host, such as a file or "null", nothing is the same.
  return page !== null && page.host !== '' && page.host === URL.parse(`${page.protocol}//${host}`)?.host
}

/** The origin that a url belongs to: as people write it, there may be a slash at its end. */
function originOf(text: string): string | undefined {
  const origin = URL.parse(text)?.origin
  // What the web has no origin for, such as an app's own scheme, is "null" all alike.
  return origin === 'null' ? undefined : origin
}
