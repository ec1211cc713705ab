import { type Broker, type Identity, Inject, Injectable, token } from 'partyline'

export const BROKER = token<Broker>('BROKER')

/** For how long somebody who signs in is known, in milliseconds. */
export const LIFETIME = 8 * 60 * 60_000

/** Random bytes of a secret: nobody guesses 256 bits. */
const SECRET = 32

/** Somebody who has signed in: in one browser, which is the session. */
export interface SignedIn extends Identity {
  readonly groups: readonly string[]
  readonly session: string
}

/**
 * Who is signed in, known on all nodes. The secret is in the cookie and nowhere else: what is kept, and what the session's
 * channel is called by, is a hash of it. So nobody who sees names of channels can sign in with them.
 */
@Injectable()
export class SignIns {
  constructor(@Inject(BROKER) private readonly broker: Broker) {}

  async begin(user: string, groups: readonly string[]): Promise<{ secret: string; identity: SignedIn }> {
    const secret = hex(crypto.getRandomValues(new Uint8Array(SECRET)))
    const session = await hashOf(secret)
    const bytes = new TextEncoder().encode(JSON.stringify({ user, groups }))
    await this.broker.values.set(nameOf(session), bytes, { ttl: LIFETIME })
    return { secret, identity: { user, groups, session } }
  }

  async find(secret: string): Promise<SignedIn | undefined> {
    const session = await hashOf(secret)
    const bytes = await this.broker.values.get(nameOf(session))
    return bytes && { ...JSON.parse(new TextDecoder().decode(bytes)), session }
  }

  async end({ session }: SignedIn): Promise<void> {
    await this.broker.values.delete(nameOf(session))
  }
}

function nameOf(session: string): string {
  return `sign-in:${session}`
}

async function hashOf(secret: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return hex(new Uint8Array(hash, 0, 16))
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('')
}
