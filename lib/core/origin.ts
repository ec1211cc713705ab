/** Which web pages may connect: those of these origins, those that the function allows, or `'*'` for all of them. */
export type Origins = readonly string[] | ((origin: string, request: Request) => boolean) | '*'

/**
 * Whether a page's request may connect. Without `origins` only pages of the same host may; a request without an Origin
 * comes from no browser, and passes.
 */
export function isOriginAllowed(
  request: Request,
  origins: Origins | undefined,
  trustProxy: boolean,
): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || origins === '*') return true
  if (typeof origins === 'function') return origins(origin, request)
  if (origins !== undefined) return origins.includes(origin)
  return hostOf(origin) === askedHost(request, trustProxy)
}

/** The address of who asks: behind a proxy that is trusted, what the proxy says. */
export function addressOf(request: Request, ip: string, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-for') : null
  // Each proxy adds at the end whom it heard from; what stands before came from the client, who may say anything.
  return forwarded?.split(',').at(-1)?.trim() || ip
}

function askedHost(request: Request, trustProxy: boolean): string | undefined {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-host') : null
  return (forwarded ?? request.headers.get('host') ?? undefined)?.toLowerCase()
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
