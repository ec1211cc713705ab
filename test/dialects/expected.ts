/** What the gateways of all projects do, whichever way they were compiled, as `observe` has it. */
export const talks: Record<string, string[]> = {
  '/chat': [
    'a signal: connected',
    'opened by Chat',
    'a signal: kept',
    '"kept of Chat"',
    '"overridden of Chat, after overridden of Talk"',
    'UNKNOWN_EVENT',
    '"renamed of Chat"',
    'UNKNOWN_EVENT',
    '"narrowed of Chat"',
    'guard of Talk',
    'layer of Talk',
    '"guarded of Talk"',
    'guard of Chat',
    '"guarded of Chat"',
    '"symbol of Chat"',
    '"quoted of Chat"',
    'closed by Chat',
    'a signal: disconnected',
  ],
  '/late': [
    'a signal: connected',
    'opened by Chat',
    'a signal: kept',
    '"kept of LateChat"',
    '"renamed of Chat"',
    'UNKNOWN_EVENT',
    'closed by Chat',
    'a signal: disconnected',
  ],
  '/talk': [
    'a signal: connected',
    'opened by Talk',
    'a signal: kept',
    '"kept of Talk"',
    '"renamed of Talk"',
    '"narrowed of Talk"',
    'UNKNOWN_EVENT',
    'guard of Talk, replaced',
    '"guarded of Talk"',
    'closed by Talk',
    'a signal: disconnected',
  ],
  '/base': [
    'guard of BaseGateway',
    'a signal: connected',
    'guard of BaseGateway',
    'any',
    '"greeted by BaseGateway"',
    'guard of BaseGateway',
    'any',
    'undefined',
    'a signal: disconnected',
  ],
  '/above': [
    'guard of BaseGateway',
    'guard above',
    'guard below',
    'a signal: connected',
    'guard of BaseGateway',
    'guard above',
    'guard below',
    'layer above',
    'layer below',
    'any',
    '"greeted by BaseGateway"',
    'guard of BaseGateway',
    'guard above',
    'guard below',
    'layer above',
    'layer below',
    'any',
    'guard 1',
    'guard 2',
    'guard 3',
    'layer 1',
    'layer 2',
    'event',
    'undefined',
    'a signal: disconnected',
  ],
  '/mixed-talk': [
    'a signal: connected',
    'opened by Talk',
    'a signal: kept',
    '"kept of Talk"',
    '"MixedTalk is present"',
    'guard of Talk',
    'layer of Talk',
    '"guarded of Talk"',
    'closed by Talk',
    'a signal: disconnected',
  ],
  '/mixed-listed': [
    'a signal: connected',
    '[["Ada"],"Dance!"]',
    '"MixedListed is present"',
    'a signal: disconnected',
  ],
  '/listed': ['a signal: connected', '[["Ada"],"Dance!"]', '"/listed"', 'a signal: disconnected'],
  '/listed-anew': ['a signal: connected', '["/listed-anew","Dance!",["Ada"]]', 'a signal: disconnected'],
  '/own': ['a signal: connected', '[["Ada"],"DANCE!"]', 'a signal: disconnected'],
  '/asking': ['a signal: connected', '[["Ada"],"Dance!"]', '"Dance!"', 'a signal: disconnected'],
  '/typed': ['a signal: connected', '[["Ada"],"Dance!",3]', '"Dance!"', 'a signal: disconnected'],
  '/typed-own': ['a signal: connected', '[["Ada"],"Dance!",6]', 'a signal: disconnected'],
  '/shop/tea': ['a signal: connected', '"tea"', 'a signal: disconnected'],
  '/any': ['a signal: connected', '"any anything"', 'a signal: disconnected'],
  '/loud': ['a signal: connected', '"Ada!"', '"Ada!"', 'a signal: disconnected'],
  '/renewed': ['a signal: connected', 'true', 'a signal: disconnected'],
  '/raw': ['a signal: connected', 'first hello', 'a signal: disconnected', 'world, too'],
  '/resumed': ['a signal: connected', 'opened', 'suspended', 'resumed', 'a signal: disconnected'],
}

const handlers = {
  On: '@On()',
  OnAny: '@OnAny()',
  OnOpen: '@OnOpen()',
  OnClose: '@OnClose()',
  OnSuspend: '@OnSuspend()',
  OnResume: '@OnResume()',
  OnMessage: '@OnMessage()',
  OnFirstMessage: '@OnFirstMessage()',
  OnSignal: "@OnSignal('connected')",
}

function ofHandler(name: string, shown: string): [string, string][] {
  const head = `class: TypeError: ${shown} on`
  return [
    [`@${name} onStatic`, `${head} static Party.join: only methods of instances can carry it`],
    [`@${name} onGetter`, `${head} Party.join, which is no method: only methods can carry it`],
    [`@${name} onField`, `${head} Party.join, which is no method: only methods can carry it`],
    [`@${name} onStaticOfBase`, `${head} static Base.join: only methods of instances can carry it`],
    [`@${name} onClass`, `${head} Party, which is a class: only methods can carry it`],
  ]
}

/** They stand on classes as well. */
function ofAnnotation(name: string): [string, string][] {
  const unmarked =
    "app: BootError: Party, given to createApp, is neither a @Module() nor a @Gateway('/path'): mark it with one of them."
  return ofHandler(name, `@${name}()`).map(([what, said]) => [
    what,
    what.endsWith('onClass') ? unmarked : said,
  ])
}

/** What is said of each mistake, whichever way it was compiled. */
export const mistakes: Record<string, string> = {
  ...Object.fromEntries(Object.entries(handlers).flatMap(([name, shown]) => ofHandler(name, shown))),
  ...Object.fromEntries(['Guard', 'Use'].flatMap(ofAnnotation)),
  ...Object.fromEntries(
    ['Gateway', 'Module', 'Injectable'].map((name) => [
      `@${name} onMethod`,
      `class: TypeError: @${name}() on Party.join: only classes can carry it`,
    ]),
  ),
  'an event without a name': "class: TypeError: @On('') on Party.join: an event needs a name",
  'a symbol as a name':
    "class: TypeError: @On() on Party.Symbol(Symbol.iterator): a symbol is no event's name, so give one, as in @On('event')",
  'an event that is undefined':
    'class: TypeError: @On() on Party.join was given undefined: a missing import, or two files that import each other',
  'two gateways': 'class: TypeError: @Gateway() stands twice on Party',
  'two modules': 'class: TypeError: @Module() stands twice on AppModule',
  'two handlers for one event':
    'app: BootError: Party has two handlers for the event "join": Base.joined and Party.join. Keep one, or give one another event\'s name.',
  'a guard of what is no handler':
    'app: BootError: @Guard on Party.opened, which handles no event, has no effect. Put it on the class, or on a method with @On, @OnAny, @OnMessage or @OnFirstMessage.',
  'a list that is too short':
    "app: BootError: nothing says what to inject as parameter 2 (names) of Needs's constructor, which Party inherits. Its static inject has 1 of 2: list one token for each, in their order.",
  'a list with what is undefined':
    "app: BootError: cannot resolve undefined ← Party ← createApp: parameter 1 of Party's constructor asks for undefined: a missing import, or two files that import each other.",
  'a list with what nobody provides':
    'app: BootError: cannot resolve "motto" ← Party ← createApp: parameter 1 of Party\'s constructor asks for "motto", which nobody provides. Add it to the "providers" of a module.',
}

const list = 'list a token for each parameter, as in static inject = [GuestList, CLOCK]'
const field = 'ask in a field, as in guests = inject(GuestList)'
const options = '"experimentalDecorators" and "emitDecoratorMetadata"'

/** What is said of constructors of which only their compiler could know, and of a field with @Inject. */
export const unlisted = {
  typed: ['nothing', 'nothing', misplaced('Party.motto')],
  untyped: needy(
    `Its decorators were compiled without the types of parameters: compile with ${options} (tsc, swc, Deno, or Bun with ` +
      `tsconfig.json in the current directory; esbuild and tsx write no types); or give every parameter its ` +
      `@Inject(token); or ${list}; or ${field}.`,
    'Party.motto',
  ),
  standard: needy(
    `It was compiled with standard decorators, which know no types and no @Inject: ${list}; or ${field}; or compile with ` +
      `${options}.`,
    'motto',
  ),
}

function needy(why: string, field: string): string[] {
  return [
    `BootError: nothing says what to inject as parameters 1 (names) and 2 (others) of Unlisted's constructor. ${why}`,
    `BootError: cannot resolve Further ← AsksForFurther ← createApp: inject() in AsksForFurther asks for Further, which ` +
      `nobody provides, and which cannot be built unasked: nothing says what to inject as parameter 1 (names) of ` +
      `Further's constructor. ${why}`,
    misplaced(field),
  ]
}

function misplaced(field: string): string {
  return (
    `TypeError: @Inject("motto") on ${field}: only a constructor's parameter can carry it. A field asks by itself: ` +
    `motto = inject("motto").`
  )
}
