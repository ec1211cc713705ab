import { tagMethod } from './tags.ts'

/** Types a method decorator: only methods of type `M` can carry it. */
export type MethodDecoratorFor<M> = <T extends M>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void

/** A method that handles an event: `(socket, data)`, or `(socket, ...args)` for events with several arguments. */
export type EventMethod = (...args: never[]) => unknown

/**
 * Handles the event of the method's name, or of the name given. The returned value, also of a promise, answers a
 * request; a thrown error answers it with a failure. Events of one socket are handled in order.
 *
 * @example
 * ```ts
 * import { Gateway, On, type Socket } from 'partyline'
 *
 * @Gateway('/sums')
 * class Sums {
 *   @On() double(socket: Socket, n: number) {
 *     return n * 2
 *   }
 *   @On('triple please') triple(socket: Socket, n: number) {
 *     return n * 3
 *   }
 * }
 * ```
 */
export function On(event?: string): MethodDecoratorFor<EventMethod> {
  return (target, name) => {
    const place = `${target.constructor.name}.${String(name)}`
    if (event === '') throw new TypeError(`@On('') on ${place}: an event needs a name`)
    if (event === undefined && typeof name === 'symbol') {
      throw new TypeError(`@On() on ${place}: a symbol is no event's name, so give one, as in @On('event')`)
    }
    tagMethod('@On()', target, name, { kind: 'event', event })
  }
}

/**
 * Gets every event, as `(socket, event)`, before the handler of its name. An event that has no handler counts as
 * handled, and what the method returns is its ack.
 *
 * @example
 * ```ts
 * import { Gateway, OnAny, type Socket, type SocketEvent } from 'partyline'
 *
 * @Gateway('/echo')
 * class Echo {
 *   @OnAny() echo(socket: Socket, event: SocketEvent) {
 *     socket.emit(event.name, ...event.args)
 *   }
 * }
 * ```
 */
export function OnAny(): MethodDecoratorFor<EventMethod> {
  return (target, name) => tagMethod('@OnAny()', target, name, { kind: 'any' })
}
