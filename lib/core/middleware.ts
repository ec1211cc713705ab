import type { Class } from '../container/mod.ts'
import { Annotation, type ClassOrMethodDecorator } from '../decorators/annotation.ts'
import type { AppClaims } from '../protocol/identity.ts'
import type { EventCall } from './call.ts'

/** Goes on to what is further in, and gives its result, which is a promise only where something in there is. */
export type Next = () => unknown

/** Stands around validation and handler: what it returns is the answer. As of a method, as `GuardFunction` is. */
export type MiddlewareFunction<Claims = AppClaims> = Middleware<Claims>['handle']

/** Middleware that the container builds, with what it needs injected. */
export interface Middleware<Claims = AppClaims> {
  handle(call: EventCall<Claims>, next: Next): unknown
}

/** Middleware: a function, or a class for the container to build. */
export type AnyMiddleware = MiddlewareFunction | Class<Middleware>

export const middleware: Annotation<AnyMiddleware> = new Annotation('@Use()')

/**
 * Puts middleware around the handlers of a class, or around one. The app's is outermost, then the class's, then the
 * method's. It may look, wait, change `call.args`, call `next` again, catch what it throws, and return something else.
 *
 * @example
 * ```ts
 * import { type EventCall, Gateway, type Next, On, type Socket, Use } from 'partyline'
 *
 * async function timed({ event }: EventCall, next: Next) {
 *   const begin = performance.now()
 *   try {
 *     return await next()
 *   } finally {
 *     console.log(`${event} took ${performance.now() - begin} ms`)
 *   }
 * }
 *
 * @Use(timed)
 * @Gateway('/sums')
 * class Sums {
 *   @On() double(socket: Socket, n: number) {
 *     return n * 2
 *   }
 * }
 * ```
 */
export function Use(...list: AnyMiddleware[]): ClassOrMethodDecorator {
  return middleware.decorate(list)
}
