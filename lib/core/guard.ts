import type { Class } from '../container/mod.ts'
import { Annotation, type ClassOrMethodDecorator } from '../decorators/annotation.ts'
import type { AppClaims } from '../protocol/identity.ts'
import type { Call } from './call.ts'

/** Says whether a call may go on. What throws refuses. As of a method, so that it may say by which claims it decides. */
export type GuardFunction<Claims = AppClaims> = Guard<Claims>['allows']

/** A guard that the container builds, with what it needs injected. */
export interface Guard<Claims = AppClaims> {
  allows(call: Call<Claims>): boolean | Promise<boolean>
}

/** A guard: a function, or a class for the container to build. */
export type AnyGuard = GuardFunction | Class<Guard>

export const guards: Annotation<AnyGuard> = new Annotation('@Guard()')

/**
 * Has guards decide, on a class about connecting (403) and about every event (FORBIDDEN), on a method about its event.
 * They run in order, the app's first, then the class's, then the method's, before validation and handler. A subclass
 * adds to the guards of its base.
 *
 * @example
 * ```ts
 * import { type Call, Gateway, Guard, Injectable, On, type Socket } from 'partyline'
 *
 * const isAdmin = ({ identity }: Call) => identity?.groups?.includes('admin') ?? false
 *
 * @Injectable()
 * class SignedIn implements Guard {
 *   allows({ identity }: Call) {
 *     return identity !== undefined
 *   }
 * }
 *
 * @Guard(SignedIn)
 * @Gateway('/desk')
 * class Desk {
 *   @Guard(isAdmin)
 *   @On() close(socket: Socket) {
 *     socket.broadcast.emit('closed')
 *   }
 * }
 * ```
 */
export function Guard(...list: AnyGuard[]): ClassOrMethodDecorator {
  return guards.decorate(list)
}
