import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, Module, type Provider, token } from 'partyline'
import { finish, mistakeAtStart, mistakesIn, put } from '../core/in-memory.ts'
import type { HandClock } from '../support/clock.ts'

afterEach(finish)

@Gateway('/')
class Nobody {}

/** An app with these providers beside a gateway that needs none. */
function moduleWith(...providers: Provider[]) {
  @Module({ gateways: [Nobody], providers })
  class AppModule {}
  return AppModule
}

describe('what nobody provides', () => {
  const advice = 'which nobody provides. Add it to the "providers" of a module.'

  test('is named with the path that leads to it', () => {
    const CLOCK = token<() => number>('CLOCK')

    @Injectable()
    class GuestList {
      constructor(@Inject(CLOCK) readonly clock: () => number) {}
    }

    @Gateway('/party')
    class PartyGateway {
      constructor(readonly guests: GuestList) {}
    }

    @Module({ gateways: [PartyGateway] })
    class AppModule {}

    const place = "parameter 1 of GuestList's constructor asks for CLOCK"
    expect(mistakesIn(AppModule)).toEqual([
      `cannot resolve CLOCK ← GuestList ← PartyGateway ← AppModule: ${place}, ${advice}`,
    ])
    expect(mistakesIn(PartyGateway)).toEqual([
      `cannot resolve CLOCK ← GuestList ← PartyGateway ← createApp: ${place}, ${advice}`,
    ])
  })

  test('is named for factories and for other names', () => {
    const mistakes = mistakesIn(
      moduleWith(
        { provide: 'made', useFactory: () => 1, inject: ['missing'] },
        { provide: 'alias', useExisting: 'gone' },
        { provide: 'confused', useFactory: () => 1, inject: [undefined as never] },
      ),
    )
    expect(mistakes).toEqual([
      `cannot resolve "missing" ← "made" ← AppModule: the provider of "made" asks for "missing", ${advice}`,
      `cannot resolve "gone" ← "alias" ← AppModule: the provider of "alias" asks for "gone", ${advice}`,
      'cannot resolve undefined ← "confused" ← AppModule: the provider of "confused" asks for undefined: a missing ' +
        'import, or two files that import each other.',
    ])
  })

  test('is named where inject() asks for it, with who asks', async () => {
    @Injectable()
    class Door {
      readonly motto = inject('motto')
    }

    @Gateway('/party')
    class PartyGateway {
      readonly door = inject(Door)
    }

    expect(await mistakeAtStart(PartyGateway)).toBe(
      `cannot resolve "motto" ← Door ← PartyGateway ← createApp: inject() in Door asks for "motto", ${advice}`,
    )
  })

  test('is named where a class needs it that inject() or app.get() is the first to ask for', async () => {
    @Injectable()
    class GuestList {
      constructor(@Inject('clock') readonly clock: () => number) {}
    }

    @Gateway('/party')
    class PartyGateway {
      readonly guests = inject(GuestList)
    }

    const place = 'parameter 1 of GuestList\'s constructor asks for "clock"'
    expect(await mistakeAtStart(PartyGateway)).toBe(
      `cannot resolve "clock" ← GuestList ← PartyGateway: ${place}, ${advice}`,
    )
    const { app } = put(Nobody)
    expect(() => app.get(GuestList)).toThrow(
      `cannot resolve "clock" ← GuestList ← app.get(): ${place}, ${advice}`,
    )
    expect(() => app.get('clock')).toThrow(`cannot resolve "clock": app.get() asks for "clock", ${advice}`)
  })
})

describe('a parameter of a type that is not there at run time', () => {
  interface Clock {
    now(): number
  }

  @Injectable()
  class AsksForInterface {
    constructor(readonly clock: Clock) {}
  }

  @Injectable()
  class AsksForBuiltIn {
    constructor(
      readonly nobody: Nobody,
      readonly motto: string,
    ) {}
  }

  @Injectable()
  class AsksForMap {
    constructor(readonly map: Map<string, string>) {}
  }

  @Injectable()
  class AsksForTypeImport {
    constructor(readonly clock: HandClock) {}
  }

  test.each([
    ['an interface', AsksForInterface, 'Object', 1],
    ['a built-in', AsksForBuiltIn, 'String', 2],
    ['a built-in that could be built', AsksForMap, 'Map', 1],
    ['a class imported as a type', AsksForTypeImport, 'Object', 1],
  ])('%s', (_, target, name, position) => {
    expect(mistakesIn(moduleWith(target))).toEqual([
      `cannot resolve ${name} ← ${target.name} ← AppModule: parameter ${position} of ${target.name}'s constructor has a ` +
        'type that stands for nothing at run time: an interface, a built-in, or a class that is imported with "import ' +
        'type". Import the class itself, or use @Inject(token).',
    ])
  })
})

describe('a class whose parameters have no known types', () => {
  class Plain {
    constructor(readonly nobody: Nobody) {}
  }

  const compile =
    'compile with "experimentalDecorators" and "emitDecoratorMetadata" (tsc, swc, Deno, or Bun with tsconfig.json in the ' +
    'current directory; esbuild and tsx write no types)'
  const otherwise =
    'list a token for each parameter, as in static inject = [GuestList, CLOCK]; or ask in a field, as in guests = ' +
    'inject(GuestList).'

  test('is told what could say them', () => {
    expect(mistakesIn(moduleWith(Plain))).toEqual([
      "nothing says what to inject as parameter 1 (nobody) of Plain's constructor. It is marked neither @Injectable() nor " +
        `@Gateway(): mark it, and ${compile}; or ${otherwise}`,
    ])
  })

  test('is told so too where somebody needs it and nobody listed it', () => {
    @Injectable()
    class Needy {
      constructor(readonly plain: Plain) {}
    }

    expect(mistakesIn(moduleWith(Needy))).toEqual([
      "cannot resolve Plain ← Needy ← AppModule: parameter 1 of Needy's constructor asks for Plain, which nobody provides, " +
        "and which cannot be built unasked: nothing says what to inject as parameter 1 (nobody) of Plain's constructor. " +
        `It is marked neither @Injectable() nor @Gateway(): mark it, and ${compile}; or ${otherwise}`,
    ])
  })

  test('is found for gateways as well, and alone', () => {
    class Compiled {
      constructor(readonly plain: Plain) {}
    }
    // What a compiler makes of @Gateway that writes no metadata.
    Gateway('/party')(Compiled)

    expect(mistakesIn(Compiled)).toEqual([
      "nothing says what to inject as parameter 1 (plain) of Compiled's constructor. Its decorators were compiled without " +
        `the types of parameters: ${compile}; or give every parameter its @Inject(token); or ${otherwise}`,
    ])
  })

  test('is named with the heir that has no constructor of its own', () => {
    class Heir extends Plain {}

    class Further extends Heir {
      override readonly nobody = new Nobody()
    }

    for (const target of [Heir, Further]) {
      expect(mistakesIn(moduleWith(target))).toEqual([
        expect.stringContaining(`of Plain's constructor, which ${target.name} inherits. `),
      ])
    }
  })

  test('has those of its parameters named of which nothing is known', () => {
    class Mixed {
      constructor(
        readonly first: Nobody,
        readonly second: Nobody,
        readonly third: Nobody,
        readonly withDefault = new Nobody(),
      ) {}
    }
    Inject(Nobody)(Mixed, undefined, 1)

    expect(mistakesIn(moduleWith(Mixed))).toEqual([
      expect.stringMatching(
        /^nothing says what to inject as parameters 1 \(first\) and 3 \(third\) of Mixed's /,
      ),
    ])
  })

  // Names come from the source: what is not plain there goes without.
  test.each([
    [
      'behind words that look like one',
      class Odd {
        // constructor(a) {
        motto = 'constructor(b) {'
        template = `constructor(c) { ${'{'}`
        inner = class {
          // biome-ignore lint/complexity/noUselessConstructor: as above
          constructor(_d: string) {}
        }
        method() {
          return this.constructor(1)
        }
        constructor(readonly e: Nobody) {}
      },
      '1 (e)',
    ],
    [
      'behind what has parentheses and commas',
      class Odd {
        constructor({ a }: { a: number }, _b: Nobody, _c = [1, Math.max(2, 3)], _d = ')') {
          void a
        }
      },
      '1 and 2 (_b)',
    ],
  ])('whose source has its constructor %s', (_, target, parameters) => {
    const [message = ''] = mistakesIn(moduleWith(target as never))
    expect(message).toContain(` ${parameters} of Odd's constructor.`)
  })
})

describe('a token that is provided twice', () => {
  const advice =
    'Keep one; to replace a provider for a test or a deployment, list it in createApp\'s "providers" option.'

  test('names both places', () => {
    @Module({ providers: [{ provide: 'motto', useValue: 'Dance!' }] })
    class MottoModule {}

    @Module({
      imports: [MottoModule],
      gateways: [Nobody],
      providers: [{ provide: 'motto', useValue: 'Sing!' }],
    })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      `"motto" is provided twice, by MottoModule and by AppModule. ${advice}`,
    ])
  })

  test('names one place where it is the same', () => {
    const twice: Provider[] = [
      { provide: 'motto', useValue: 'Dance!' },
      { provide: 'motto', useValue: 'Sing!' },
    ]
    expect(mistakesIn(moduleWith(...twice))).toEqual([
      `"motto" is provided twice, both times by AppModule. ${advice}`,
    ])
    expect(mistakesIn(Nobody, { providers: twice })).toEqual([
      `"motto" is provided twice, both times by createApp's providers. ${advice}`,
    ])
  })

  test('is no mistake where it is the same class once more', () => {
    class Names {}

    @Module({ providers: [Names] })
    class NamesModule {}

    @Module({ imports: [NamesModule], gateways: [Nobody], providers: [Names, Names, Nobody] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([])
    for (const useClass of [Names, class Others {}]) {
      expect(mistakesIn(moduleWith(Names, { provide: Names, useClass }))).toHaveLength(1)
      expect(mistakesIn(moduleWith({ provide: Names, useClass: class Others {} }, Names))).toHaveLength(1)
    }
  })
})

test('@Inject of what is undefined at run time is named', () => {
  @Injectable()
  class Needy {
    constructor(@Inject(undefined as never) readonly motto: string) {}
  }

  expect(mistakesIn(moduleWith(Needy))).toEqual([
    "cannot resolve undefined ← Needy ← AppModule: parameter 1 of Needy's constructor asks for undefined: a missing " +
      'import, or two files that import each other.',
  ])
})

test('a provider that is none says what is missing', () => {
  const mistakes = mistakesIn(
    moduleWith(undefined as never, {} as never, { provide: 'motto', usevalue: 'Dance!' } as never),
  )
  const missing =
    'a provider of AppModule is undefined, or has no "provide": a missing import, or two files that import each other.'
  expect(mistakes).toEqual([
    missing,
    'the provider of "motto" has none of useValue, useClass, useFactory and useExisting.',
  ])
})
