import type { StandardSchemaV1 } from '@standard-schema/spec'

/** Any schema that speaks Standard Schema: zod, valibot, arktype and others. */
export type Schema<In = unknown, Out = unknown> = StandardSchemaV1<In, Out>

/** What an event carries, said by schemas. What is left out is `unknown` and is not checked. */
export interface EventShape {
  /** The event's one argument. */
  data?: Schema
  /** All of its arguments, as a list; in place of `data`, for events that have none or several. */
  args?: Schema<readonly unknown[], readonly unknown[]>
  /** What answers it, for those who ask. */
  reply?: Schema
}

/** An event as a value: its name, its schemas, and through them its types. Made by `event`. */
export interface EventDescriptor<Name extends string = string, Shape extends EventShape = EventShape> {
  readonly name: Name
  readonly shape: Shape
}

/** Where an event is asked for, a descriptor or a plain name will do; then its data is `unknown`. */
export type AnyEvent = string | EventDescriptor

/**
 * Describes an event, once for both sides: the server checks what arrives, and the compiler what is sent and handled.
 *
 * @example
 * ```ts
 * import { event } from 'partyline'
 * import { z } from 'zod'
 *
 * export const join = event('join', {
 *   data: z.object({ user: z.string().min(1) }),
 *   reply: z.object({ guests: z.number() }),
 * })
 * export const pair = event('pair', { args: z.tuple([z.string(), z.number()]) })
 * ```
 */
export function event<const Name extends string, Shape extends EventShape = Record<never, never>>(
  name: Name,
  shape?: Shape,
): EventDescriptor<Name, Shape> {
  if (name === '') throw new TypeError("event(''): an event needs a name")
  if (shape?.data !== undefined && shape.args !== undefined) {
    throw new TypeError(
      `event('${name}') has both "data" and "args": data is for exactly one argument, args for others`,
    )
  }
  for (const [member, schema] of Object.entries(shape ?? {}))
    checkSchema(schema, `event('${name}') has a ${member} that`)
  return { name, shape: (shape ?? {}) as Shape }
}

/** Throws for what speaks no Standard Schema: it would be found at the first event only. */
export function checkSchema(schema: Schema, complaint: string): void {
  if (typeof schema?.['~standard']?.validate === 'function') return
  throw new TypeError(
    `${complaint} is no Standard Schema: use zod, valibot, arktype or another that speaks it`,
  )
}

type OutputOf<S> = S extends Schema ? StandardSchemaV1.InferOutput<S> : unknown
type InputOf<S> = S extends Schema ? StandardSchemaV1.InferInput<S> : unknown
type ShapeOf<E> = E extends EventDescriptor<string, infer Shape> ? Shape : EventShape

/** What a handler of the event gets as its data: what the schema made of what was sent. */
export type Data<E extends EventDescriptor> = OutputOf<ShapeOf<E>['data']>

/** What a handler of the event gets after the socket. */
export type Args<E extends EventDescriptor> = ShapeOf<E>['args'] extends Schema
  ? Extract<OutputOf<ShapeOf<E>['args']>, readonly unknown[]>
  : [data: Data<E>]

/** What a handler of the event answers. */
export type Reply<E extends EventDescriptor> = ShapeOf<E>['reply'] extends Schema
  ? InputOf<ShapeOf<E>['reply']>
  : unknown

/** What is given to `emit` after the event. */
export type EmitArgs<E extends AnyEvent> = E extends EventDescriptor
  ? ShapeOf<E>['args'] extends Schema
    ? Extract<InputOf<ShapeOf<E>['args']>, readonly unknown[]>
    : ShapeOf<E>['data'] extends Schema
      ? undefined extends InputOf<ShapeOf<E>['data']>
        ? [data?: InputOf<ShapeOf<E>['data']>]
        : [data: InputOf<ShapeOf<E>['data']>]
      : unknown[]
  : unknown[]

/** What stands for the event's arguments in a request: its data, or their list where it is described by `args`. */
export type CallData<E extends AnyEvent> =
  E extends EventDescriptor<string, infer Shape>
    ? Shape['args'] extends Schema
      ? EmitArgs<E> | ([] extends EmitArgs<E> ? undefined : never)
      : Shape['data'] extends Schema
        ? EmitArgs<E>[0]
        : unknown
    : unknown

/** What answers a request, after its schema: what the schema makes of what was sent. */
export type Answer<E extends AnyEvent> = E extends EventDescriptor ? OutputOf<ShapeOf<E>['reply']> : unknown

/** The arguments that a request's data stands for. */
export function argsOfCall(event: AnyEvent, data: unknown): readonly unknown[] {
  if (typeof event !== 'string' && event.shape.args !== undefined) return (data ?? []) as readonly unknown[]
  return data === undefined ? [] : [data]
}

/** The name of an event, however it was given. */
export function nameOf(of: AnyEvent): string {
  return typeof of === 'string' ? of : of.name
}

/** One fault that a schema found, as it travels in `details`. */
export interface Fault {
  /** Where, from the data inward: `['user', 'name']`; empty for the data as a whole. */
  path: readonly (string | number)[]
  message: string
}

/** The faults of a failed validation, the same for every schema library. */
export function faultsOf({ issues }: StandardSchemaV1.FailureResult): Fault[] {
  // Not path.map(): arktype's paths are arrays of a class of its own, whose map() makes a segment of an empty path's length.
  return issues.map(({ path = [], message }) => ({ path: Array.from(path, segment), message }))
}

function segment(one: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof one === 'object' ? one.key : one
  return typeof key === 'symbol' ? String(key) : key
}
