import type { Class, Container } from '../container/mod.ts'
import type { TaggedMethod } from '../decorators/tags.ts'
import type { EventShape } from '../protocol/event.ts'
import type { EventCall } from './call.ts'
import { type AnyGuard, type GuardFunction, guards } from './guard.ts'
import { type AnyMiddleware, type MiddlewareFunction, middleware } from './middleware.ts'
import {
  compose,
  type GuardRefused,
  guardFunctions,
  middlewareFunctions,
  parse,
  type Run,
  unfit,
  validated,
} from './pipeline.ts'
import { then } from './thenable.ts'

/** A gateway's method, called with the gateway as `this`. */
export type Method = (this: unknown, ...args: unknown[]) => unknown

/** What stands around every event of a gateway: the app's, then the class's. */
export interface Surroundings {
  readonly guards: readonly GuardFunction[]
  readonly middleware: readonly MiddlewareFunction[]
  /** Whether replies are held against their schemas. */
  readonly checkOutgoing: boolean
  /** Told of each event that a guard refuses. */
  readonly guardRefused: GuardRefused
}

/** A method that handles events, and all that happens around it. */
export class Handler {
  readonly method: Method
  readonly #shape: EventShape
  readonly #guards: readonly AnyGuard[]
  readonly #middleware: readonly AnyMiddleware[]
  #ownGuards: readonly GuardFunction[] = []
  #ownMiddleware: readonly MiddlewareFunction[] = []
  /** The method with its own guards, middleware and validation. */
  own: Run
  /** All of it, the app's and the class's included; undefined where there is nothing around the method. */
  run: Run | undefined

  constructor(gateway: Class, { name, tag }: TaggedMethod) {
    this.method = (gateway.prototype as Record<string | symbol, Method>)[name] as Method
    this.#shape = tag.kind === 'event' ? tag.shape : {}
    this.#guards = guards.ofMethod(gateway, name)
    this.#middleware = middleware.ofMethod(gateway, name)
    this.own = (call) => this.#call(call, call.args)
  }

  /** The method with its own guards and middleware, and with these arguments in place of the event's. */
  around(call: EventCall, args: readonly unknown[]): unknown {
    return compose(this.#ownGuards, this.#ownMiddleware, () => this.#call(call, args))(call)
  }

  /** The classes among its guards and middleware, for the container to know. */
  get classes(): readonly unknown[] {
    return [...this.#guards, ...this.#middleware]
  }

  /** To be called once, when what the app builds is there. */
  start(container: Container, around: Surroundings): void {
    const isChecked = around.checkOutgoing && this.#shape.reply !== undefined
    const answered: (call: EventCall, args: readonly unknown[]) => unknown = isChecked
      ? (call, args) => this.#checkReply(this.#call(call, args))
      : (call, args) => this.#call(call, args)
    this.#ownGuards = guardFunctions(container, this.#guards, around.guardRefused)
    this.#ownMiddleware = middlewareFunctions(container, this.#middleware)
    const core = validated(this.#shape, answered)
    this.own = compose(this.#ownGuards, this.#ownMiddleware, core)
    const isBare = this.#shape.data === undefined && this.#shape.args === undefined && !isChecked
    // All guards before any middleware: it may change what they decide about.
    const allGuards = [...around.guards, ...this.#ownGuards]
    const allMiddleware = [...around.middleware, ...this.#ownMiddleware]
    const layers = allGuards.length + allMiddleware.length
    this.run = isBare && layers === 0 ? undefined : compose(allGuards, allMiddleware, core)
  }

  #call(call: EventCall, args: readonly unknown[]): unknown {
    // Almost all events are so; spreading costs more than the rest of the call.
    if (args.length === 1) return this.method.call(call.instance, call.socket, args[0])
    return this.method.call(call.instance, call.socket, ...args)
  }

  #checkReply(reply: unknown): unknown {
    const { reply: schema } = this.#shape
    return then(reply, (value) => {
      if (schema === undefined) return value
      return then(parse(schema, value, 'the reply is not what its schema says', unfit), () => value)
    })
  }
}
