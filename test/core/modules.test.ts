import { afterEach, describe, expect, test } from 'bun:test'
import { type DynamicModule, Gateway, Inject, Injectable, Module, On } from 'partyline'
import { finish, mistakesIn, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/party')
class Party {
  constructor(@Inject('motto') readonly motto: string) {}

  @On() tell() {
    return this.motto
  }
}

@Gateway('/quiet')
class Quiet {}

@Module({ providers: [{ provide: 'motto', useValue: 'Dance!' }] })
class MottoModule {}

test('gateways are given what the providers of any module make, whoever imports whom', async () => {
  @Module({ imports: [MottoModule], gateways: [Party] })
  class PartyModule {}

  @Injectable()
  class Sign {
    constructor(@Inject('motto') readonly motto: string) {}
  }

  @Module({ providers: [Sign] })
  class SignModule {}

  @Module({ imports: [PartyModule, SignModule], gateways: [Quiet] })
  class AppModule {}

  const { app, connect } = await start(AppModule)
  expect(await (await connect('/party')).ask('{"event":"tell","id":1}')).toBe('{"ack":1,"data":"Dance!"}')
  expect(app.get(Sign).motto).toBe('Dance!')
  await connect('/quiet')
})

test('a module that several import is taken once, and so is a gateway that several list', async () => {
  let built = 0

  @Injectable()
  class Counter {
    readonly number = ++built
  }

  @Module({ providers: [Counter, { provide: 'motto', useValue: 'Dance!' }], gateways: [Party] })
  class SharedModule {}

  @Module({ imports: [SharedModule], gateways: [Quiet] })
  class OneModule {}

  @Module({ imports: [SharedModule, SharedModule, Party], gateways: [Quiet, Quiet, Party] })
  class OtherModule {}

  const { app, connect } = await start([OneModule, OtherModule, SharedModule, Quiet])
  expect(app.get(Counter).number).toBe(1)
  expect(built).toBe(1)
  await Promise.all([connect('/party'), connect('/quiet')])
  expect(app.sockets.size).toBe(2)
})

describe('a dynamic module', () => {
  function motto(text: string): DynamicModule {
    return { module: SignModule, providers: [{ provide: 'motto', useValue: text }] }
  }

  @Injectable()
  class Sign {
    constructor(@Inject('motto') readonly motto: string) {}
  }

  @Module({ providers: [Sign] })
  class SignModule {}

  test('adds its parts to those of its module', async () => {
    @Module({ imports: [motto('Sing!')], gateways: [Party] })
    class AppModule {}

    const { app } = await start(AppModule)
    expect(app.get(Sign).motto).toBe('Sing!')
    expect(app.get(Party).motto).toBe('Sing!')
  })

  test('can be given to createApp, and can bring gateways and imports', async () => {
    const { app, connect } = await start([{ module: SignModule, imports: [MottoModule], gateways: [Party] }])
    await connect('/party')
    expect(app.get(Sign).motto).toBe('Dance!')
  })

  test('that several import is taken once; another of the same module adds its own', async () => {
    const shared = motto('Sing!')
    const more: DynamicModule = { module: SignModule, providers: [{ provide: 'more', useValue: 'More!' }] }

    @Module({ imports: [shared, more] })
    class OneModule {}

    @Module({ imports: [shared, OneModule, SignModule], gateways: [Party] })
    class AppModule {}

    const { app } = await start(AppModule)
    expect([app.get('motto'), app.get('more')]).toEqual(['Sing!', 'More!'])
  })

  test('that provides what another provides is a mistake', () => {
    @Module({ imports: [motto('Sing!'), motto('Dance!')], gateways: [Party] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      '"motto" is provided twice, both times by SignModule. Keep one; to replace a provider for a test or a deployment, ' +
        'list it in createApp\'s "providers" option.',
    ])
  })
})

describe('modules that import each other', () => {
  test('are named in a circle', () => {
    class One {}
    class Two {}
    class Three {}
    Module({ imports: [Two] })(One)
    Module({ imports: [Three] })(Two)
    Module({ imports: [Quiet, { module: One }] })(Three)

    @Module({ imports: [Two], gateways: [Quiet] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      'the modules Two → Three → One → Two import each other in a circle: move what they share to a module of its own.',
    ])
  })

  test('also a module and itself', () => {
    class Self {}
    Module({ imports: [Self], gateways: [Quiet] })(Self)

    expect(mistakesIn(Self)).toEqual([
      'the modules Self → Self import each other in a circle: move what they share to a module of its own.',
    ])
  })
})

test('an import that is undefined, or no module, is named with who imports it', () => {
  class Plain {}

  @Module({ imports: [undefined as never, Plain, { module: undefined as never }], gateways: [Quiet] })
  class AppModule {}

  const missing =
    'an import of AppModule is undefined: a missing import, or two files that import each other.'
  expect(mistakesIn(AppModule)).toEqual([
    missing,
    "Plain, given to AppModule, is neither a @Module() nor a @Gateway('/path'): mark it with one of them.",
  ])
})
