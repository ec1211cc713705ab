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

  test('says which decorator or compiler option it wants', () => {
    expect(mistakesIn(moduleWith(Plain))).toEqual([
      "the types of the parameters of Plain's constructor are not known at run time. If no decorator stands on Plain, " +
        'mark it with @Injectable(). Else compile with "experimentalDecorators" and "emitDecoratorMetadata" (tsc, swc, ' +
        'or Bun with tsconfig.json in the current directory; esbuild and tsx write no metadata), or give every ' +
        'parameter its @Inject(token).',
    ])
  })

  test('says so too where somebody needs it and nobody listed it', () => {
    @Injectable()
    class Needy {
      constructor(readonly plain: Plain) {}
    }

    expect(mistakesIn(moduleWith(Needy))).toEqual([
      "cannot resolve Plain ← Needy ← AppModule: parameter 1 of Needy's constructor asks for Plain, which nobody " +
        "provides, and which cannot be built unasked: the types of its constructor's parameters are not known. Mark it " +
        'with @Injectable(), or add it to the "providers" of a module.',
    ])
  })

  test('is found for gateways as well, and alone', () => {
    class Compiled {
      constructor(readonly plain: Plain) {}
    }
    // What a compiler makes of @Gateway that writes no metadata.
    Gateway('/party')(Compiled)

    expect(mistakesIn(Compiled)).toEqual([
      expect.stringMatching(
        /^the types of the parameters of Compiled's constructor are not known at run time\. /,
      ),
    ])
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
