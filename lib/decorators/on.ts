import {
  type AnyEvent,
  type Args,
  checkSchema,
  type EventDescriptor,
  nameOf,
  type Reply,
  type Schema,
} from '../protocol/event.ts'
import {
  type EventMethod,
  type HandlerDecorator,
  inBothDialects,
  type MethodContext,
  type Prototype,
} from './dialect.ts'
import { tagging, tagMethod } from './tags.ts'

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
 *
 * With a descriptor, or a schema, the data is parsed before the method gets it, and the compiler holds the method's
 * parameters and its answer against it; what does not fit is answered INVALID_DATA.
 *
 * @example
 * ```ts
 * import { type Data, event, Gateway, On, type Socket } from 'partyline'
 * import { z } from 'zod'
 *
 * const join = event('join', { data: z.object({ user: z.string() }), reply: z.object({ guests: z.number() }) })
 *
 * @Gateway('/party')
 * class PartyGateway {
 *   #guests = 0
 *
 *   @On(join) join(socket: Socket, { user }: Data<typeof join>) {
 *     socket.broadcast.emit('joined', { user })
 *     return { guests: ++this.#guests }
 *   }
 *
 *   @On('rename', z.string().max(40)) rename(socket: Socket, name: string) {
 *     socket.data.name = name
 *   }
 * }
 * ```
 */
export function On(event?: string): HandlerDecorator
export function On<S extends Schema>(
  event: string,
  data: S,
): DescribedHandlerDecorator<EventDescriptor<string, { data: S }>>
export function On<E extends EventDescriptor>(event: E): DescribedHandlerDecorator<E>
export function On(...given: [event?: AnyEvent, data?: Schema]): HandlerDecorator {
  const [event, data] = given
  const shape = data === undefined ? (typeof event === 'object' ? event.shape : {}) : { data }
  if (data !== undefined) checkSchema(data, `what @On('${String(event)}') is given`)
  return inBothDialects('@On()', {
    check(place, name) {
      // Taken for what was left out, it would handle another event, and whatever data.
      if (given.includes(undefined)) {
        throw new TypeError(
          `@On() on ${place} was given undefined: a missing import, or two files that import each other`,
        )
      }
      if (event === '') throw new TypeError(`@On('') on ${place}: an event needs a name`)
      if (event === undefined && typeof name === 'symbol') {
        throw new TypeError(`@On() on ${place}: a symbol is no event's name, so give one, as in @On('event')`)
      }
    },
    method(owner, name) {
      tagMethod(owner, name, { kind: 'event', event: event && nameOf(event), shape })
    },
  })
}

/** Decorates a method that handles a described event: the compiler refuses one that does not fit the descriptor. */
export interface DescribedHandlerDecorator<E extends EventDescriptor> {
  <T extends EventMethod>(
    target: Prototype,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<T> & Mismatch<T, E>,
  ): void
  <T extends EventMethod>(method: T & Mismatch<T, E>, context: MethodContext): void
}

/** Anything for a method that fits an event; otherwise what does not, which no method has, and no descriptor of one. */
type Mismatch<T extends EventMethod, E extends EventDescriptor> = ((
  ...args: Parameters<T>
) => unknown) extends (socket: Parameters<T>[0], ...args: Args<E>) => unknown
  ? Returned<T> extends Reply<E>
    ? unknown
    : { theMethodReturns: Returned<T>; theEventIsAnsweredBy: Reply<E> }
  : { theMethodTakes: Parameters<T>; theEventHas: Args<E> }

/** What a method answers with; one that returns nothing answers undefined. */
type Returned<T extends EventMethod> =
  Awaited<ReturnType<T>> extends infer R ? (R extends void ? undefined : R) : never

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
export function OnAny(): HandlerDecorator {
  return tagging('@OnAny()', { kind: 'any' })
}
