import { BootError, type Class, type Container, tokenName } from '../container/mod.ts'
import type { AnyAuthenticator, AuthenticatorFunction } from '../protocol/identity.ts'
import { type AnyGuard, guards } from './guard.ts'
import { type AnyMiddleware, middleware } from './middleware.ts'
import { guardFunctions, isClass, middlewareFunctions } from './pipeline.ts'
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
  declare([app.authenticate, ...app.guards, ...app.middleware], "createApp's options")
  for (const { gateway, handlers, options } of routes) {
    const ofClass = [options.authenticate, ...guards.ofClass(gateway), ...middleware.ofClass(gateway)]
    declare([...ofClass, ...handlersOf(handlers).flatMap(({ classes }) => classes)], gateway.name)
  }

  function declare(list: readonly unknown[], origin: string): void {
    for (const one of list) {
      if (one === undefined) continue
      if (typeof one !== 'function') {
        problems.push(
          `a guard, middleware or authenticator of ${origin} is ${typeof one}: give a function or a class.`,
        )
      } else if (isClass(one)) problems.push(...mistakesIn(one as Class, origin))
    }
  }

  function mistakesIn(one: Class, origin: string): readonly string[] {
    try {
      const { scope } = registry.find(one, origin) ?? registry.add(one, origin)
      if (scope === 'app') return []
      return [
        `${tokenName(one)}, around the events of ${origin}, lives per ${scope}: what stands there lives per app.`,
      ]
    } catch (error) {
      if (error instanceof BootError) return error.problems
      throw error
    }
  }
}

/** Puts everything around a route's handlers, once what the app builds is there. */
export function surround(route: Route, container: Container, app: AppSurroundings): void {
  const { gateway, handlers, options } = route
  route.authenticate = authenticatorFunction(container, options.authenticate ?? app.authenticate)
  route.around = {
    guards: guardFunctions(container, [...app.guards, ...guards.ofClass(gateway)]),
    middleware: middlewareFunctions(container, [...app.middleware, ...middleware.ofClass(gateway)]),
    checkOutgoing: app.checkOutgoing,
  }
  route.rooms.checkOutgoing = app.checkOutgoing
  for (const handler of handlersOf(handlers)) handler.start(container, route.around)
}

function authenticatorFunction(
  container: Container,
  authenticator: AnyAuthenticator | undefined,
): AuthenticatorFunction | undefined {
  if (!isClass(authenticator)) return authenticator as AuthenticatorFunction | undefined
  const instance = container.get(authenticator as never) as { authenticate: AuthenticatorFunction }
  return (handshake) => instance.authenticate(handshake)
}
