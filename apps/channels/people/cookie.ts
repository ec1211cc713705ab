const NAME = 'session'
const FORM = new RegExp(`(?:^|;)\\s*${NAME}=([0-9a-f]{64})\\s*(?:;|$)`)

/** The secret in the cookie that came along, if it looks like one. */
export function secretIn(headers: Headers): string | undefined {
  return FORM.exec(headers.get('cookie') ?? '')?.[1]
}

/** What sets the cookie; no secret takes it away. No script sees it, and no page of another site sends it along. */
export function cookieOf(secret: string | undefined, lifetime: number, isSecure: boolean): string {
  const age = secret === undefined ? 0 : Math.floor(lifetime / 1_000)
  return `${NAME}=${secret ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${age}${isSecure ? '; Secure' : ''}`
}
