import { describe, expect, test } from 'bun:test'
import {
  Gateway,
  Inject,
  Module,
  On,
  OnAny,
  OnClose,
  OnFirstMessage,
  OnMessage,
  OnOpen,
  OnSignal,
  token,
} from 'partyline'

const decorators: [name: string, decorator: () => MethodDecorator][] = [
  ['@On()', () => On() as MethodDecorator],
  ['@OnAny()', () => OnAny() as MethodDecorator],
  ['@OnOpen()', () => OnOpen() as MethodDecorator],
  ['@OnClose()', () => OnClose() as MethodDecorator],
  ['@OnMessage()', () => OnMessage() as MethodDecorator],
  ['@OnFirstMessage()', () => OnFirstMessage() as MethodDecorator],
  ["@OnSignal('connected')", () => OnSignal('connected') as MethodDecorator],
]

describe.each(decorators)('%s', (name, decorator) => {
  test('on a static method', () => {
    expect(() => {
      class Party {
        @decorator() static join() {}
        leave() {}
      }
      return Party
    }).toThrow(new TypeError(`${name} on static Party.join: only methods of instances can carry it`))
  })

  test('on a getter', () => {
    expect(() => {
      class Party {
        @decorator() get join() {
          return () => {}
        }
      }
      return Party
    }).toThrow(new TypeError(`${name} on Party.join, which is no method: only methods can carry it`))
  })

  test('on a property', () => {
    expect(() => {
      class Party {
        // biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse
        @(decorator() as any) join = () => {}
      }
      return Party
    }).toThrow(new TypeError(`${name} on Party.join, which is no method: only methods can carry it`))
  })

  test('on a private method, as only standard decorators can stand', () => {
    const metadata = {}
    const standard = decorator() as unknown as (method: () => void, context: object) => void
    standard(() => {}, { kind: 'method', name: '#join', static: false, private: true, metadata })
    class Party {}
    expect(() => Gateway('/party')(Party, { kind: 'class', metadata })).toThrow(
      new TypeError(`${name} on private Party.#join: only methods that others can call can carry it`),
    )
  })

  test('compiled by what does not give standard decorators all that they need', () => {
    const standard = decorator() as unknown as (method: () => void, context: object) => void
    expect(() => standard(() => {}, { kind: 'method', name: 'join', static: false, private: false })).toThrow(
      new TypeError(
        `${name} on join: the compiler gives decorators no context.metadata. TypeScript does from 5.2 on, esbuild from ` +
          '0.21.3 on, swc and Babel in their later versions of standard decorators: update it, or compile with ' +
          '"experimentalDecorators"',
      ),
    )
  })
})

test('@On of a method without a name of its own, or with an empty one', () => {
  expect(() => {
    class Party {
      @On() [Symbol('join')]() {}
    }
    return Party
  }).toThrow("@On() on Party.Symbol(join): a symbol is no event's name, so give one, as in @On('event')")
  expect(() => {
    class Party {
      @On('') join() {}
    }
    return Party
  }).toThrow("@On('') on Party.join: an event needs a name")
})

test('@Gateway and @Module stand once on a class', () => {
  expect(() => {
    @Gateway('/one')
    @Gateway('/other')
    class Party {}
    return Party
  }).toThrow('@Gateway() stands twice on Party')
  expect(() => {
    @Module()
    @Module()
    class AppModule {}
    return AppModule
  }).toThrow('@Module() stands twice on AppModule')
})

// It was taken on a field as well, which then stayed undefined: types refuse it, and not everybody has types.
test('@Inject stands on parameters of constructors only', () => {
  const MOTTO = token<string>('MOTTO')
  const inject = Inject(MOTTO) as (...args: unknown[]) => void
  const rest = "only a constructor's parameter can carry it. A field asks by itself:"
  expect(() => {
    class Party {
      @inject motto = ''
    }
    return Party
  }).toThrow(`@Inject(MOTTO) on Party.motto: ${rest} motto = inject(MOTTO).`)
  expect(() => {
    class Party {
      static join(@inject _motto: string) {}
      leave() {}
    }
    return Party
  }).toThrow(`@Inject(MOTTO) on Party.join: ${rest} field = inject(MOTTO).`)
  expect(() => {
    class Party {
      join(@inject _motto: string) {}
    }
    return Party
  }).toThrow(`@Inject(MOTTO) on Party.join: ${rest}`)
  // As standard decorators are called.
  expect(() => inject(undefined, { kind: 'field', name: 'motto' })).toThrow(
    `@Inject(MOTTO) on motto: ${rest} motto = inject(MOTTO).`,
  )
})
