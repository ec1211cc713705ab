export { type JwtClaims, type JwtOptions, type JwtRules, jwt } from './jwt.ts'
export type { Jwk, JwkSet, JwtKey, KeyFunction, PublicKey } from './keys.ts'
export { type TicketClock, type TicketOptions, Tickets, tickets } from './tickets.ts'
