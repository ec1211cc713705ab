import { afterEach, describe, expect, test } from 'bun:test'
import {
  BootError,
  contextOf,
  createApp,
  Gateway,
  GatewayContext,
  Inject,
  Injectable,
  inject,
  Module,
  On,
  OnAny,
  OnClose,
  OnFirstMessage,
  OnMessage,
  OnOpen,
  OnSignal,
  type Scope,
} from 'partyline'
import { finish, mistakeAtStart, mistakesIn, start } from './in-memory.ts'

afterEach(finish)

describe('two handlers', () => {
  const advice = "Keep one, or give one another event's name."

  test('for an event, in one class', () => {
    @Gateway('/chat')
    class Chat {
      @On() say() {}
      @On('say') tell() {}
      @On('say') shout() {}
    }

    expect(mistakesIn(Chat)).toEqual([
      `Chat has two handlers for the event "say": Chat.say and Chat.tell. ${advice}`,
      `Chat has two handlers for the event "say": Chat.say and Chat.shout. ${advice}`,
    ])
  })

  test('for an event, in a class and in the one it extends', () => {
    class Talk {
      @On() say() {}
    }

    @Gateway('/chat')
    class Chat extends Talk {
      @On('say') tell() {}
    }

    expect(mistakesIn(Chat)).toEqual([
      `Chat has two handlers for the event "say": Talk.say and Chat.tell. ${advice}`,
    ])
  })

  test('for the beginning, the end, every event, or messages', () => {
    @Gateway('/chat')
    class Chat {
      @OnOpen() a() {}
      @OnOpen() b() {}
      @OnClose() c() {}
      @OnClose() d() {}
      @OnAny() e() {}
      @OnAny() f() {}
    }

    @Gateway('/raw', { protocol: 'raw' })
    class Raw {
      @OnMessage() a() {}
      @OnMessage() b() {}
      @OnFirstMessage() c() {}
      @OnFirstMessage() d() {}
    }

    const rest = 'Keep one, or call one from the other.'
    expect(mistakesIn([Chat, Raw])).toEqual([
      `Chat has two handlers for @OnOpen: Chat.a and Chat.b. ${rest}`,
      `Chat has two handlers for @OnClose: Chat.c and Chat.d. ${rest}`,
      `Chat has two handlers for @OnAny: Chat.e and Chat.f. ${rest}`,
      `Raw has two handlers for @OnMessage: Raw.a and Raw.b. ${rest}`,
      `Raw has two handlers for @OnFirstMessage: Raw.c and Raw.d. ${rest}`,
    ])
  })
})

describe('a decorator of the other protocol', () => {
  test('@On and @OnAny on a raw gateway', () => {
    @Gateway('/raw', { protocol: 'raw' })
    class Raw {
      @On() @OnAny() say() {}
    }

    expect(mistakesIn(Raw)).toEqual([
      "@On on Raw.say: a raw gateway has no events. Use @OnMessage(), or leave out protocol: 'raw'.",
      "@OnAny on Raw.say: a raw gateway has no events. Use @OnMessage(), or leave out protocol: 'raw'.",
    ])
  })

  test('@OnMessage and @OnFirstMessage on a framed one', () => {
    @Gateway('/framed')
    class Framed {
      @OnMessage() message() {}
      @OnFirstMessage() first() {}
    }

    expect(mistakesIn(Framed)).toEqual([
      "@OnMessage on Framed.message is for raw gateways. Add protocol: 'raw' to @Gateway, or use @On('message').",
      "@OnFirstMessage on Framed.first is for raw gateways. Add protocol: 'raw' to @Gateway, or use @On('message').",
    ])
  })
})

describe('a context in the wrong place', () => {
  const ours =
    'only gateways are given a GatewayContext, each its own. Elsewhere ask for one by name: ' +
    '@Inject(contextOf(ThatGateway)), or inject(contextOf(ThatGateway)).'

  @Gateway('/unlisted')
  class Unlisted {}

  test('GatewayContext in a service', async () => {
    @Injectable()
    class News {
      constructor(readonly context: GatewayContext) {}
    }

    @Injectable()
    class Weather {
      readonly context = inject(GatewayContext)
    }

    @Gateway('/news')
    class NewsGateway {
      constructor(readonly news: News) {}
    }

    @Gateway('/weather')
    class WeatherGateway {
      readonly weather = inject(Weather)
    }

    expect(mistakesIn(NewsGateway)).toEqual([
      "cannot resolve GatewayContext ← News ← NewsGateway ← createApp: parameter 1 of News's constructor asks for it, " +
        `but ${ours}`,
    ])
    expect(await mistakeAtStart(WeatherGateway)).toBe(
      `cannot resolve GatewayContext ← Weather ← WeatherGateway ← createApp: inject() in Weather asks for it, but ${ours}`,
    )
  })

  test('the context of a gateway that the app does not serve', () => {
    @Injectable()
    class News {
      constructor(@Inject(contextOf(Unlisted)) readonly context: GatewayContext) {}
    }

    @Gateway('/other')
    class Other {
      constructor(readonly context: GatewayContext) {}
    }

    @Gateway('/news')
    class NewsGateway {
      constructor(
        readonly news: News,
        readonly other: Other,
      ) {}
    }

    const advice = 'List it in the "gateways" of a module.'
    expect(mistakesIn(NewsGateway)).toEqual([
      "cannot resolve contextOf(Unlisted) ← News ← NewsGateway ← createApp: parameter 1 of News's constructor asks for " +
        `it, but Unlisted is no gateway of this app. ${advice}`,
      "cannot resolve GatewayContext ← Other ← NewsGateway ← createApp: parameter 1 of Other's constructor asks for it, " +
        `but Other is no gateway of this app. ${advice}`,
    ])
  })
})

test('@OnSignal on what lives per connection or per event', () => {
  @Injectable({ scope: 'connection' })
  class Audit {
    @OnSignal('connected') connected() {}
  }

  @Gateway('/party', { scope: 'event' })
  class Party {
    @OnSignal('event', 'join') joined() {}
  }

  @Module({ gateways: [Party], providers: [Audit] })
  class AppModule {}

  const advice = "and listeners live per app. Move the method to a provider of scope 'app'."
  expect(mistakesIn(AppModule)).toEqual([
    `Party listens with @OnSignal but lives per event, ${advice}`,
    `Audit listens with @OnSignal but lives per connection, ${advice}`,
  ])
})

// It was never connected, without a word: the check had been over when inject() first asked for it.
test('@OnSignal on what lives per connection and is first asked for by inject()', async () => {
  @Injectable({ scope: 'connection' })
  class Audit {
    @OnSignal('connected') connected() {}
  }

  @Gateway('/party', { scope: 'connection' })
  class Party {
    readonly audit = inject(Audit)
  }

  const { connect, logged } = await start(Party)
  await (await connect('/party')).closed()
  expect(logged()).toMatchObject([
    {
      error: {
        message:
          'Audit listens with @OnSignal but lives per connection, and listeners live per app. Move the method to a provider ' +
          "of scope 'app'.",
      },
    },
  ])
})

describe('a scope that there is not', () => {
  // The instance was neither kept nor disposed of: each who asked got one of its own, or none.
  test.each([
    ['request', "Here that is 'event'."],
    ['session', "Here that is 'connection'."],
    ['singleton', "Here that is 'app'."],
    ['DEFAULT', "Here that is 'app'."],
    ['conection', "Use 'app', 'connection' or 'event'."],
  ])('%p', (scope, advice) => {
    @Injectable({ scope: scope as Scope })
    class Basket {}

    @Gateway('/shop', { scope: scope as Scope })
    class Shop {}

    @Gateway('/market')
    class Market {
      constructor(readonly basket: Basket) {}
    }

    @Module({
      gateways: [Shop, Market],
      providers: [{ provide: 'made', useFactory: () => 1, scope: scope as Scope }],
    })
    class AppModule {}

    const problems = mistakesIn(AppModule)
    expect(problems).toEqual([
      `Shop has the scope "${scope}", which there is not. ${advice}`,
      `"made" has the scope "${scope}", which there is not. ${advice}`,
      `Basket has the scope "${scope}", which there is not. ${advice}`,
    ])
  })
})

test('several mistakes are told in one error, each once', () => {
  @Gateway('/chat')
  class Chat {
    constructor(@Inject('motto') readonly motto: string) {}
    @On() say() {}
    @On('say') tell() {}
  }

  @Gateway('chat/')
  class Other {}

  @Gateway('/a b')
  class Odd {}

  const error = (() => {
    try {
      return createApp([Chat, Other, Odd])
    } catch (reason) {
      return reason
    }
  })()
  expect(error).toBeInstanceOf(BootError)
  expect(error).toBeInstanceOf(Error)
  expect((error as BootError).name).toBe('BootError')
  expect((error as BootError).message).toBe(
    [
      '1. Chat has two handlers for the event "say": Chat.say and Chat.tell. Keep one, or give one another event\'s name.',
      '2. @Gateway(\'/a b\') on Odd: "a b" is no segment: use plain text, ":name", or ":name?" at the end.',
      '3. two gateways at one path: Chat and Other are both at /chat. Give one of them another.',
      '4. cannot resolve "motto" ← Chat ← createApp: parameter 1 of Chat\'s constructor asks for "motto", which nobody ' +
        'provides. Add it to the "providers" of a module.',
    ].join('\n'),
  )
})
