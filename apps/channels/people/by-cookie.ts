import { type Authenticator, type Handshake, type Identity, Injectable } from 'partyline'
import { secretIn } from './cookie.ts'
import { SignIns } from './sign-ins.ts'

/** Stands for everybody who has not signed in. Nobody can sign in by this name. */
export const ANYBODY = 'anybody'

/** Who is behind a connection, by the cookie. Without one they are anybody, and may come in nevertheless. */
@Injectable()
export class ByCookie implements Authenticator {
  constructor(private readonly signIns: SignIns) {}

  async authenticate({ headers }: Handshake): Promise<Identity> {
    const secret = secretIn(headers)
    return (secret && (await this.signIns.find(secret))) || { user: ANYBODY }
  }
}
