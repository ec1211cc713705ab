import { describe, expect, test } from 'bun:test'
import { Gateway, type GatewayOptions, Module } from 'partyline'
import { mistakesIn } from './in-memory.ts'

/** A gateway at a path. */
function at(name: string, path: string, options?: GatewayOptions) {
  const target = { [name]: class {} }[name] as new () => object
  Gateway(path, options)(target)
  return target
}

describe('two gateways at one path', () => {
  test.each([
    ['/party', '/party'],
    ['/party', 'party/'],
    ['/a//b/', 'a/b'],
    ['', '/'],
  ])('%p and %p', (first, second) => {
    const place = `/${first.split('/').filter(Boolean).join('/')}`
    expect(mistakesIn([at('One', first), at('Other', second)])).toEqual([
      `two gateways at one path: One and Other are both at ${place}. Give one of them another.`,
    ])
  })

  test.each([
    ['/a/:x', '/a/:y'],
    ['/a/:x', '/a/:x?'],
    ['/:room/members/:id', '/:chat/members/:name'],
  ])('%p and %p, which answer the same urls', (first, second) => {
    expect(mistakesIn([at('One', first), at('Other', second)])).toEqual([
      `two gateways at one path: One at ${first} and Other at ${second} answer the same urls. Give one of them another.`,
    ])
  })

  test('names each with the first of them', () => {
    expect(mistakesIn([at('One', '/party'), at('Two', '/party'), at('Three', '/party')])).toEqual([
      'two gateways at one path: One and Two are both at /party. Give one of them another.',
      'two gateways at one path: One and Three are both at /party. Give one of them another.',
    ])
  })

  test('names both with the prefix of the app', () => {
    expect(mistakesIn([at('One', '/party'), at('Other', '/party')], { prefix: 'ws' })).toEqual([
      'two gateways at one path: One and Other are both at /ws/party. Give one of them another.',
    ])
  })

  test.each([
    ['/a', '/a/:x?'],
    ['/a/:x', '/a/b'],
    ['/a/:x', '/b/:x'],
  ])('%p and %p can be told apart', (first, second) => {
    expect(mistakesIn([at('One', first), at('Other', second)])).toEqual([])
  })
})

describe('a path that is none', () => {
  test.each<[path: string, options: GatewayOptions, problem: string]>([
    ['/dance floor', {}, '"dance floor" is no segment: use plain text, ":name", or ":name?" at the end'],
    ['/files/*', {}, '"*" is no segment: use plain text, ":name", or ":name?" at the end'],
    ['/:1st', {}, '":1st" is no segment: use plain text, ":name", or ":name?" at the end'],
    ['/:room?/members', {}, '":room?" is not last: only the last may be left out'],
    ['/:room/:room', {}, 'two of its parameters have the same name'],
    [
      '/:room',
      { params: { room: 'lobby' } },
      'its option params.room is for a last segment ":room?", which the path has not',
    ],
  ])('%p', (path, options, problem) => {
    expect(mistakesIn(at('Hall', path, options))).toEqual([`@Gateway('${path}') on Hall: ${problem}.`])
  })
})

describe('what is no gateway', () => {
  class Plain {}

  test('an app without any says where they are listed', () => {
    @Module()
    class AppModule {}

    const none = 'the app has no gateway: list one in the "gateways" of a module, or give one to createApp.'
    expect(mistakesIn(AppModule)).toEqual([none])
    expect(mistakesIn([])).toEqual([none])
  })

  test('in "gateways", or given to createApp', () => {
    @Module({ gateways: [Plain, undefined as never] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      'Plain in the "gateways" of AppModule is no gateway: mark it with @Gateway(\'/path\').',
      'a gateway of AppModule is undefined: a missing import, or two files that import each other.',
    ])
    expect(mistakesIn([Plain, undefined as never])).toEqual([
      "Plain, given to createApp, is neither a @Module() nor a @Gateway('/path'): mark it with one of them.",
      'what createApp is given is undefined: a missing import, or two files that import each other.',
    ])
  })

  test('a subclass of a gateway, which has no path of its own', () => {
    class Sub extends at('Base', '/base') {}

    @Module({ gateways: [Sub] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      'Sub in the "gateways" of AppModule is no gateway: mark it with @Gateway(\'/path\').',
    ])
  })
})

describe('a gateway among the providers', () => {
  @Gateway('/news')
  class News {}

  @Gateway('/party')
  class Party {}

  // It was built, and its path answered 404: nothing said why.
  test('is not served there, and that is said', () => {
    @Module({ gateways: [Party], providers: [News] })
    class AppModule {}

    const advice = 'List it in the "gateways" of a module, or give it to createApp.'
    expect(mistakesIn(AppModule)).toEqual([
      `News is a gateway, and nobody reaches it among the providers of AppModule. ${advice}`,
    ])
    expect(mistakesIn(Party, { providers: [News] })).toEqual([
      `News is a gateway, and nobody reaches it among createApp's providers. ${advice}`,
    ])
  })

  // The advice was to list it in createApp's providers, where it was listed.
  test('cannot be replaced there', () => {
    const rest = 'its handlers are its own. Replace what it needs, or list another gateway in its place.'
    const stub = { provide: Party, useValue: {} }

    @Module({ gateways: [Party], providers: [stub] })
    class AppModule {}

    expect(mistakesIn(Party, { providers: [stub] })).toEqual([
      `Party is a gateway, which createApp's providers cannot replace: ${rest}`,
    ])
    expect(mistakesIn(AppModule)).toEqual([`Party is a gateway, which AppModule cannot replace: ${rest}`])
  })

  test('is fine where it is served as well, or stands for one that is not served', () => {
    @Module({ gateways: [Party], providers: [Party, { provide: News, useValue: {} }] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([])
  })
})
