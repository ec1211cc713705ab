import type { Container } from '../container/mod.ts'
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

/** What a schema makes of a value; throws INVALID_DATA where it does not fit. */
export function parse(schema: Schema, value: unknown, complaint: string): unknown {
  return then(schema['~standard'].validate(value), (result) => {
    const { issues, value } = result as { issues?: readonly { message: string }[]; value?: unknown }
    if (issues !== undefined) throw invalid(complaint, faultsOf({ issues }))
    return value
  })
}

function invalid(complaint: string, faults: Fault[]): PartylineError {
  const [first] = faults
  const where = first?.path.length ? `${first.path.join('.')}: ` : ''
  return new PartylineError(
    'INVALID_DATA',
    first === undefined ? complaint : `${complaint}: ${where}${first.message}`,
    faults,
  )
}

/** Guards as functions, with the instances of those that are classes. */
export function guardFunctions(container: Container, list: readonly AnyGuard[]): GuardFunction[] {
  return list.map((one) => {
    if (!isClass(one)) return one as GuardFunction
    const guard = container.get(one as never) as { allows: GuardFunction }
    return (call) => guard.allows(call)
  })
}

/** Middleware as functions, with the instances of those that are classes. */
export function middlewareFunctions(
  container: Container,
  list: readonly AnyMiddleware[],
): MiddlewareFunction[] {
  return list.map((one) => {
    if (!isClass(one)) return one as MiddlewareFunction
    const layer = container.get(one as never) as { handle: MiddlewareFunction }
    return (call, next) => layer.handle(call, next)
  })
}

/** Whether it is a class, which the container has to build, and no function. */
export function isClass(of: unknown): of is new (...args: never[]) => object {
  return typeof of === 'function' && /^class\b/.test(Function.prototype.toString.call(of))
}
