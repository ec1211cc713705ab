import { type AnyClass, BootError, type Container, isClass, tokenName } from '../container/mod.ts'
import { PartylineError } from '../protocol/error.ts'
import { type EventShape, type Fault, faultsOf, type Schema } from '../protocol/event.ts'
import type { Call, EventCall } from './call.ts'
import type { AnyGuard, GuardFunction } from './guard.ts'
import type { AnyMiddleware, MiddlewareFunction } from './middleware.ts'
import { isThenable, then } from './thenable.ts'

/** All that happens to a call, from the first guard to its answer. In a promise only where something in it is. */
export type Run = (call: EventCall) => unknown

/** One onion: the guards in order, then the middleware, each around the next, then what is innermost. */
export function compose(
  guards: readonly GuardFunction[],
  middleware: readonly MiddlewareFunction[],
  core: Run,
): Run {
  const inner = middleware.reduceRight<Run>((next, layer) => (call) => layer(call, () => next(call)), core)
  if (guards.length === 0) return inner
  return (call) => then(check(guards, call), () => inner(call))
}

/** Asks guards in order; throws FORBIDDEN at the first that refuses. */
export function check(guards: readonly GuardFunction[], call: Call, from = 0): void | Promise<void> {
  for (let i = from; i < guards.length; i++) {
    const verdict = (guards[i] as GuardFunction)(call)
    if (isThenable(verdict)) {
      return Promise.resolve(verdict).then((late) => {
        refuseUnless(late)
        return check(guards, call, i + 1)
      })
    }
    refuseUnless(verdict)
  }
}

function refuseUnless(allowed: unknown): void {
  // Only true opens: a guard that forgot to answer has not allowed anything.
  if (allowed !== true) throw new PartylineError('FORBIDDEN', 'this is not allowed')
}

/** Goes on with what the schema makes of the arguments; throws INVALID_DATA where they do not fit. */
export function validated(
  { data, args }: EventShape,
  next: (call: EventCall, args: readonly unknown[]) => unknown,
): Run {
  if (args !== undefined) {
    return (call) =>
      then(parse(args, call.args, 'invalid arguments'), (parsed) => next(call, parsed as readonly unknown[]))
  }
  if (data === undefined) return (call) => next(call, call.args)
  return (call) => {
    if (call.args.length > 1)
      throw invalid('invalid data', [{ path: [], message: 'one argument, not several' }])
    return then(parse(data, call.args[0], 'invalid data'), (parsed) => next(call, [parsed]))
  }
}

/** What a schema makes of a value; throws INVALID_DATA, or what `refuse` makes of the faults, where it does not fit. */
export function parse(schema: Schema, value: unknown, complaint: string, refuse: Refusal = invalid): unknown {
  return then(schema['~standard'].validate(value), (result) => {
    const { issues, value } = result as { issues?: readonly { message: string }[]; value?: unknown }
    if (issues !== undefined) throw refuse(complaint, faultsOf({ issues }))
    return value
  })
}

/** What is thrown for a value that a schema refuses. */
type Refusal = (complaint: string, faults: Fault[]) => Error

/** Of what a client sent: it is told. */
function invalid(complaint: string, faults: Fault[]): PartylineError {
  return new PartylineError('INVALID_DATA', inWords(complaint, faults), faults)
}

/** Of what the server was to send: a mistake of its own, of which no client is told. */
export function unfit(complaint: string, faults: Fault[]): TypeError {
  return new TypeError(inWords(complaint, faults))
}

function inWords(complaint: string, [first]: Fault[]): string {
  const where = first?.path.length ? `${first.path.join('.')}: ` : ''
  return first === undefined ? complaint : `${complaint}: ${where}${first.message}`
}

/** Told of what a guard threw at an event. */
export type GuardFailed = (error: unknown, call: EventCall) => void

/** Guards as functions, with the instances of those that are classes. What fails at an event refuses it. */
export function guardFunctions(
  container: Container,
  list: readonly AnyGuard[],
  failed: GuardFailed,
): GuardFunction[] {
  return list.map((one) => {
    if (!isClass(one)) return refusing(one as GuardFunction, failed)
    const guard = instanceOf<{ allows: GuardFunction }>(container, one, 'allows')
    return refusing((call) => guard.allows(call), failed)
  })
}

function refusing(guard: GuardFunction, failed: GuardFailed): GuardFunction {
  function refuse(error: unknown, call: Call): boolean {
    // Whoever asks about connecting answers in HTTP. An error of the application's own is meant for the client.
    if (call.kind === 'connect' || error instanceof PartylineError) throw error
    failed(error, call)
    return false
  }

  return (call) => {
    try {
      const verdict: unknown = guard(call)
      if (!isThenable(verdict)) return verdict as boolean
      return Promise.resolve(verdict).catch((error: unknown) => refuse(error, call)) as Promise<boolean>
    } catch (error) {
      return refuse(error, call)
    }
  }
}

/** Middleware as functions, with the instances of those that are classes. */
export function middlewareFunctions(
  container: Container,
  list: readonly AnyMiddleware[],
): MiddlewareFunction[] {
  return list.map((one) => {
    if (!isClass(one)) return one as MiddlewareFunction
    const layer = instanceOf<{ handle: MiddlewareFunction }>(container, one, 'handle')
    return (call, next) => layer.handle(call, next)
  })
}

/** What the container builds of a class, which has such a method; a field may be one as well. */
function instanceOf<T>(container: Container, target: AnyClass, method: keyof T & string): T {
  const instance = container.get(target) as T
  if (typeof instance[method] === 'function') return instance
  throw new BootError([
    `${tokenName(target)} has no method "${method}": @Guard takes guards, and @Use middleware.`,
  ])
}
