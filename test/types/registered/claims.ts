import {
  type AppClaims,
  type Authenticator,
  type Call,
  createApp,
  type EventCall,
  Gateway,
  GatewayContext,
  Guard,
  type Handshake,
  type Identity,
  Injectable,
  type Next,
  On,
  OnOpen,
  type Signals,
  type Socket,
  Use,
} from 'partyline'
import { type JwtClaims, jwt, tickets } from 'partyline/auth'
import { exactly } from '../exactly.ts'

// An app that says once what its claims are: all of its sockets and calls have them, and all of its authenticators find them.

interface Plan {
  plan: 'free' | 'paid'
}

declare module 'partyline' {
  interface Register {
    claims: Plan
  }
}

exactly<Plan>()({ plan: 'free' } as AppClaims)

const secret = 'thirty-two bytes, and not secret'
const byTicket = tickets()
byTicket.issue({ user: 'ada', claims: { plan: 'free' } })

// @ts-expect-error Type '"lead"' is not assignable to type '"free" | "paid"'
byTicket.issue({ user: 'ada', claims: { plan: 'lead' } })

@Guard(({ identity }) => exactly<Plan | undefined>()(identity?.claims)?.plan === 'paid')
@Use(({ identity }, next) => exactly<Plan | undefined>()(identity?.claims) && next())
@Gateway('/desk', { authenticate: byTicket.authenticate })
class Desk {
  constructor(private readonly desk: GatewayContext) {}

  @OnOpen() opened({ identity }: Socket) {
    exactly<Identity<Plan> | undefined>()(identity)

    // @ts-expect-error Property 'price' does not exist on type 'Plan'
    identity?.claims?.price
  }

  @On() named(socket: Socket<{ name: string }>, call: Call, event: EventCall, signals: Signals) {
    exactly<Plan | undefined>()(socket.identity?.claims)
    exactly<Plan | undefined>()(call.identity?.claims)
    exactly<Plan | undefined>()(event.identity?.claims)
    exactly<Plan | undefined>()(this.desk.sockets.at(0)?.identity?.claims)
    signals.on('connected', ({ identity }) => exactly<Plan | undefined>()(identity?.claims))

    // @ts-expect-error This comparison appears to be unintentional because the types '"free" | "paid" | undefined' and '"lead"'
    return event.identity?.claims?.plan === 'lead'
  }
}

/** The exception says so; and whatever takes any socket takes it as well. */
export function exception(
  desk: GatewayContext,
  plain: Socket,
  other: Socket<object, { price: number }>,
): void {
  exactly<number | undefined>()(other.identity?.claims?.price)
  desk.except(plain, other)

  // @ts-expect-error Type 'Socket<object, { price: number; }>' is not assignable to type 'Socket<AnyData, Plan>'
  const narrowed: Socket = other
  narrowed.close()
}

// @ts-expect-error Argument of type '(call: Call<{ price: number; }>) => boolean' is not assignable
@Guard((call: Call<{ price: number }>) => call.identity?.claims?.price === 5)
// @ts-expect-error Type 'EventCall<Plan>' is not assignable to type 'EventCall<{ price: number; }>'
@Use((_: EventCall<{ price: number }>, next: Next) => next())
@Gateway('/other')
class Other {}

@Injectable()
class ByHeader implements Authenticator {
  authenticate({ headers }: Handshake): Identity | null {
    return { user: headers.get('x-user') ?? 'nobody', claims: { plan: 'free' } }
  }
}

createApp([Desk, Other], { authenticate: ByHeader })

// Who knows no claims need not make any up.
createApp(Desk, { authenticate: () => ({ user: 'guest' }) })

// @ts-expect-error Type '"lead"' is not assignable to type '"free" | "paid"'
createApp(Desk, { authenticate: () => ({ user: 'guest', claims: { plan: 'lead' } }) })

// Only where no type is asked of it does a token keep its own.
exactly<Promise<Identity<JwtClaims> | null>>()(jwt({ secret })({} as Handshake))
const identify = ({ sub }: JwtClaims): Identity | null =>
  sub ? { user: sub, claims: { plan: 'free' } } : null
createApp(Desk, { authenticate: jwt({ secret, identify }) })

// @ts-expect-error Property 'plan' is missing in type 'JwtClaims' but required in type 'Plan'
createApp(Desk, { authenticate: jwt({ secret }) })
