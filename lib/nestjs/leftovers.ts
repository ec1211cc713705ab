import { type AnyClass, lineage } from '../container/mod.ts'
import { taggedMethods } from '../decorators/tags.ts'

/** Nest's decorators that do nothing to a gateway of Partyline's, by their keys, and what does the same. */
const DECORATORS = [
  ['__guards__', '@UseGuards', 'Put @Guard in its place'],
  ['__pipes__', '@UsePipes', 'Give @On a schema in its place'],
  ['__interceptors__', '@UseInterceptors', 'Put @Use in its place'],
  ['__exceptionFilters__', '@UseFilters', 'Put @Use in its place'],
  ['websockets:is_gateway', '@WebSocketGateway', 'Take it out'],
  ['websockets:message_mapping', '@SubscribeMessage', 'Put @On in its place'],
] as const

/** Under which Nest keeps what decorators say of a method's parameters. */
const ARGUMENTS = '__routeArguments__'

/** Methods that Nest calls by their names. */
const HOOKS = [
  ['afterInit', 'Call it onModuleInit'],
  ['handleConnection', 'Mark it with @OnOpen'],
  ['handleDisconnect', 'Mark it with @OnClose'],
] as const

/** What is left on a gateway of what only Nest would heed: it would look guarded, or handled, and not be. */
export function leftovers(gateway: AnyClass): string[] {
  const classes = lineage(gateway)
  const methods = classes.flatMap(({ prototype }) => methodsOf(prototype))
  const handlers = new Set(taggedMethods(gateway).map(({ name }) => name))
  const has = (key: string, target: object, name?: string): boolean =>
    name === undefined ? Reflect.hasOwnMetadata(key, target) : Reflect.hasOwnMetadata(key, target, name)
  const decorated = [
    ...classes.map((one) => [one.name, one] as const),
    ...methods.map(([name, method]) => [`${gateway.name}.${name}`, method] as const),
  ]
  return [
    ...decorated.flatMap(([place, target]) =>
      DECORATORS.filter(([key]) => has(key, target)).map(
        ([, decorator, advice]) => `${decorator} on ${place} is Nest's, and has no effect here. ${advice}.`,
      ),
    ),
    ...methods
      .filter(([name]) => classes.some((one) => has(ARGUMENTS, one, name)))
      .map(
        ([name]) =>
          `the decorators of ${gateway.name}.${name}'s parameters are Nest's, and have no effect here: a handler is given ` +
          `(socket, data). Take them out.`,
      ),
    ...HOOKS.filter(([name]) => !handlers.has(name) && methods.some(([one]) => one === name)).map(
      ([name, advice]) => `nobody calls ${gateway.name}.${name}. ${advice}, or give it another name.`,
    ),
  ]
}

function methodsOf(prototype: object): [string, object][] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor'
      ? [[name, value as object] as [string, object]]
      : [],
  )
}
