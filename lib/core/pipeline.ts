import { type AnyClass, BootError, type Container, isClass, tokenName } from '../container/mod.ts'
import { PartylineError } from '../protocol/error.ts'
import { type EventShape, type Fault, faultsOf, type Schema } from '../protocol/event.ts'
import type { Call, EventCall } from './call.ts'
import type { AnyGuard, GuardFunction } from './guard.ts'
import type { AnyMiddleware, MiddlewareFunction } from './middleware.ts'
import { isThenable, then } from './thenable.ts'

/** All that happens to a call, from the first guard to its answer. In a promise only where something in it is. */
export type Run = (call: EventCall) => unknown

/**
 * One onion: the guards in order, then the middleware, each around the next, then what is innermost. What is synchronous
 * makes nothing for a call but the `next` of each middleware.
 */
export function compose(
  guards: readonly GuardFunction[],
  middleware: readonly MiddlewareFunction[],
  core: Run,
): Run {
  const inner = middleware.reduceRight<Run>((next, layer) => (call) => layer(call, () => next(call)), core)
  if (guards.length === 0) return inner
  return (call) => {
    for (let i = 0; i < guards.length; i++) {
      const verdict: unknown = (guards[i] as GuardFunction)(call)
      if (verdict !== true) return then(judge(guards, call, verdict, i), () => inner(call))
    }
    return inner(call)
  }
}

/** Asks guards in order; throws FORBIDDEN at the first that refuses. */
export function check(guards: readonly GuardFunction[], call: Call, from = 0): void | Promise<void> {
  for (let i = from; i < guards.length; i++) {
    const verdict: unknown = (guards[i] as GuardFunction)(call)
    if (verdict !== true) return judge(guards, call, verdict, i)
  }
}

/** Looks at a verdict that is no plain yes, and asks the guards after it where it comes to be one. */
function judge(
  guards: readonly GuardFunction[],
  call: Call,
  verdict: unknown,
  index: number,
): void | Promise<void> {
  if (!isThenable(verdict)) return refuseUnless(verdict)
  return Promise.resolve(verdict).then((late) => {
    refuseUnless(late)
    return check(guards, call, index + 1)
  })
}

function refuseUnless(allowed: unknown): void {
  // Only true opens: a guard that forgot to answer has not allowed anything.
  if (allowed !== true) throw forbidden()
}

function forbidden(): PartylineError {
  return new PartylineError('FORBIDDEN', 'this is not allowed')
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
  const standard = data['~standard']
  return (call) => {
    if (call.args.length > 1)
      throw invalid('invalid data', [{ path: [], message: 'one argument, not several' }])
    const result = standard.validate(call.args[0])
    if (isThenable(result))
      return Promise.resolve(result).then((late) => next(call, [parsed(late, 'invalid data')]))
    return next(call, [parsed(result, 'invalid data')])
  }
}

/** What a schema makes of a value; throws INVALID_DATA, or what `refuse` makes of the faults, where it does not fit. */
export function parse(schema: Schema, value: unknown, complaint: string, refuse?: Refusal): unknown {
  return then(schema['~standard'].validate(value), (result) =>
    parsed(result as SchemaResult, complaint, refuse),
  )
}

function parsed(result: SchemaResult, complaint: string, refuse: Refusal = invalid): unknown {
  if (result.issues !== undefined) throw refuse(complaint, faultsOf(result))
  return result.value
}

type SchemaResult = Awaited<ReturnType<Schema['~standard']['validate']>>

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

/** Told of each event that a guard refuses, and of what it threw to do so. */
export type GuardRefused = (call: EventCall, error?: unknown) => void

/** What events were refused with: in none of these has anything failed. */
const refusals = new WeakSet<object>()

/** Whether an error is a guard's refusal of an event. Asked once of each: an application may throw the same error again. */
export function isRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && refusals.delete(error)
}

/** Guards as functions, with the instances of those that are classes. What fails at an event refuses it. */
export function guardFunctions(
  container: Container,
  list: readonly AnyGuard[],
  refused: GuardRefused,
): GuardFunction[] {
  return list.map((one) => {
    if (!isClass(one)) return refusing(one as GuardFunction, refused)
    const guard = instanceOf<{ allows: GuardFunction }>(container, one, 'allows')
    return refusing((call) => guard.allows(call), refused)
  })
}

function refusing(guard: GuardFunction, refused: GuardRefused): GuardFunction {
  function refuse(call: Call, error?: unknown): boolean {
    // Whoever asks about connecting answers in HTTP, and counts.
    if (call.kind === 'connect') {
      if (error === undefined) return false
      throw error
    }
    refused(call, error)
    // An error of the application's own is meant for the client.
    const told = error instanceof PartylineError ? error : forbidden()
    refusals.add(told)
    throw told
  }

  return (call) => {
    let verdict: unknown
    try {
      verdict = guard(call)
    } catch (error) {
      return refuse(call, error)
    }
    if (verdict === true) return true
    if (!isThenable(verdict)) return refuse(call)
    return Promise.resolve(verdict).then(
      (late) => late === true || refuse(call),
      (error: unknown) => refuse(call, error),
    )
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
