import { type Class, type Container, collectInto, isClass, tokenName } from '../container/mod.ts'
import type { Annotation } from '../decorators/annotation.ts'
import { type MethodTag, taggedMethods } from '../decorators/tags.ts'
import type { AnyAuthenticator, AuthenticatorFunction } from '../protocol/identity.ts'
import { type AnyGuard, guards } from './guard.ts'
import { type AnyMiddleware, middleware } from './middleware.ts'
import { guardFunctions, middlewareFunctions } from './pipeline.ts'
import { handlersOf, type Route } from './route.ts'

/** What an app puts around the events of all of its gateways. */
export interface AppSurroundings {
  authenticate: AnyAuthenticator | undefined
  guards: readonly AnyGuard[]
  middleware: readonly AnyMiddleware[]
  checkOutgoing: boolean
}

/** Makes the guards, middleware and authenticators that are classes known to the container; mistakes go to `problems`. */
export function declareSurroundings(
  { registry }: Container,
  routes: readonly Route[],
  app: AppSurroundings,
  problems: string[],
): void {
  const attempt = collectInto(problems)
  declare([...given(app.authenticate), ...app.guards, ...app.middleware], "createApp's options")
  for (const { gateway, handlers, options } of routes) {
    const ofClass = [
      ...given(options.authenticate),
      ...guards.ofClass(gateway),
      ...middleware.ofClass(gateway),
    ]
    declare([...ofClass, ...handlersOf(handlers).flatMap(({ classes }) => classes)], gateway.name)
    problems.push(...withoutHandler(gateway))
  }

  function declare(list: readonly unknown[], origin: string): void {
    for (const one of list) {
      if (typeof one !== 'function') {
        problems.push(
          `a guard, middleware or authenticator of ${origin} is ${typeof one}: give a function or a class.`,
        )
      } else if (isClass(one)) attempt(() => checkScope(one as Class, origin))
    }
  }

  function checkScope(one: Class, origin: string): void {
    const { scope } = registry.find(one, origin) ?? registry.add(one, origin)
    if (scope !== 'app') {
      problems.push(
        `${tokenName(one)}, around the events of ${origin}, lives per ${scope}: what stands there lives per app. Leave out its scope.`,
      )
    }
  }
}

/** What is optional, as a list. */
function given<T>(one: T | undefined): T[] {
  return one === undefined ? [] : [one]
}

/** Methods with guards or middleware that nothing would ask: they would look guarded, and not be. */
function withoutHandler(gateway: Class): string[] {
  const handled = new Set(
    taggedMethods(gateway)
      .filter(({ tag }) => HANDLES.includes(tag.kind))
      .map(({ name }) => name),
  )
  const notes: [string, Annotation<unknown>][] = [
    ['Guard', guards],
    ['Use', middleware],
  ]
  return notes.flatMap(([decorator, annotation]) =>
    annotation
      .methodsOf(gateway)
      .filter((name) => !handled.has(name))
      .map(
        (name) =>
          `@${decorator} on ${gateway.name}.${String(name)}, which handles no event, has no effect. Put it on the class, or ` +
          `on a method with @On, @OnAny, @OnMessage or @OnFirstMessage.`,
      ),
  )
}

const HANDLES: readonly MethodTag['kind'][] = ['event', 'any', 'message', 'firstMessage']

/** Puts everything around a route's handlers, once what the app builds is there. */
export function surround(route: Route, container: Container, app: AppSurroundings): void {
  const { gateway, handlers, options } = route
  route.authenticate = authenticatorFunction(container, options.authenticate ?? app.authenticate)
  const { guardRefused } = route.around
  route.around = {
    guards: guardFunctions(container, [...app.guards, ...guards.ofClass(gateway)], guardRefused),
    middleware: middlewareFunctions(container, [...app.middleware, ...middleware.ofClass(gateway)]),
    checkOutgoing: app.checkOutgoing,
    guardRefused,
  }
  route.rooms.checkOutgoing = app.checkOutgoing
  for (const handler of handlersOf(handlers)) handler.start(container, route.around)
}

/** What asks the authenticator, which may be a class that the container builds. */
export function authenticatorFunction(
  container: Container,
  authenticator: AnyAuthenticator | undefined,
): AuthenticatorFunction | undefined {
  if (!isClass(authenticator)) return authenticator as AuthenticatorFunction | undefined
  const instance = container.get(authenticator as never) as { authenticate: AuthenticatorFunction }
  return (handshake) => instance.authenticate(handshake)
}
