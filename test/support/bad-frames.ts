// What a client gets wrong in its frames, and what it is answered, byte for byte (docs/protocol.md). The gateway at /wire has an
// event `echo`, and reads messages of a megabyte and names that long.

/** A frame that answers no request. */
export const failure = (code: string, message: string, event?: string): string =>
  JSON.stringify({ error: { code, message, event } })
export const malformed = (message: string): string => failure('MALFORMED_FRAME', message)
/** The same, to whom waits for an answer under that id. */
const answered = (ack: number, answer: string): string => JSON.stringify({ ack, ...JSON.parse(answer) })
const unknown = (name: string): string =>
  failure('UNKNOWN_EVENT', `no handler for ${JSON.stringify(name)} at /wire`, name)

const noObject = malformed('a frame is a JSON object, such as {"event":"hello","data":1}')
const badEvent = malformed('"event" is not a non-empty string')
const badId = malformed('"id" is not a non-negative integer')
const digits = '1234567890'.repeat(100_000)

export const badFrames: [what: string, frame: string, answer: string][] = [
  ['not JSON', 'hello', malformed('not JSON')],
  ['half of a frame', '{"event":"echo"', malformed('not JSON')],
  ['nothing', '', malformed('not JSON')],
  ['an array', '[1]', noObject],
  ['a number', '5', noObject],
  ['a text', '"echo"', noObject],
  ['null', 'null', noObject],
  ['no event', '{}', malformed('no "event"')],
  ['data without event', '{"data":1,"id":3}', answered(3, malformed('no "event"'))],
  ['an event that is a number', '{"event":5}', badEvent],
  ['an event that is null', '{"event":null}', badEvent],
  ['an event that is an object', '{"event":{"event":"echo"}}', badEvent],
  ['an empty event', '{"event":""}', badEvent],
  ['an unknown event', '{"event":"nonsense"}', unknown('nonsense')],
  [
    'both data and args',
    '{"event":"echo","data":1,"args":[1],"id":1}',
    answered(1, malformed('both "data" and "args"')),
  ],
  ['args that are no array', '{"event":"echo","args":{"0":1}}', malformed('"args" is not an array')],
  ['a negative id', '{"event":"echo","id":-1}', badId],
  ['an id that is a text', '{"event":"echo","id":"1"}', badId],
  ['an id that is a fraction', '{"event":"echo","id":1.5}', badId],
  ['an id that is too large', '{"event":"echo","id":9007199254740992}', badId],
  ['an id that is infinite', '{"event":"echo","id":1e999}', badId],
  ['an id that is null', '{"event":"echo","id":null}', badId],
  ['an ack that nobody waits for', '{"ack":4}', malformed('"ack" 4 answers no request of the server\'s')],
  [
    'a failure that nobody waits for',
    '{"ack":4,"error":{"code":"X","message":"y"}}',
    malformed('"ack" 4 answers no request of the server\'s'),
  ],
  ['an ack without a number', '{"ack":"4"}', malformed('"ack" is not a non-negative integer')],
  ['a failure without a code', '{"ack":4,"error":5}', malformed('"error" has no code and message')],
  ['event and ack in one', '{"event":"echo","ack":1}', malformed('both "event" and "ack"')],
  [
    'a channel where there are none',
    '{"subscribe":"broadcast","id":3}',
    answered(3, malformed('this gateway has no channels')),
  ],
  ['the end of one', '{"unsubscribe":"broadcast"}', malformed('this gateway has no channels')],
  [
    'a message for one',
    '{"publish":"broadcast","data":1,"id":3}',
    answered(3, malformed('this gateway has no channels')),
  ],
  [
    'a room to watch where none is',
    '{"watch":"lobby","id":3}',
    answered(3, malformed('this gateway has no presence')),
  ],
  ['the end of that', '{"unwatch":"lobby"}', malformed('this gateway has no presence')],
  [
    'a message of a channel',
    '{"channel":"broadcast","data":1}',
    malformed('"channel" comes from the server only'),
  ],
  [
    'a change of presence',
    '{"presence":"lobby","left":["ann"]}',
    malformed('"presence" comes from the server only'),
  ],
  ['a channel without a name', '{"subscribe":""}', malformed('"subscribe" is not a non-empty string')],
  [
    'a channel with a name of 1 MB',
    `{"subscribe":"${digits}","id":3}`,
    answered(3, malformed('"subscribe" is longer than 1024 characters')),
  ],
  ['a ping without a number', '{"ping":{}}', malformed('a ping or pong carries a number')],
  [
    'deep nesting',
    `{"event":"echo","data":${'['.repeat(64)}${']'.repeat(64)}}`,
    malformed('nested deeper than 64 levels'),
  ],
  ['1 MB of digits', digits, noObject],
  ['an id of 1 MB of digits', `{"event":"echo","id":${digits}}`, badId],
  [
    'an event name of 1 MB',
    `{"event":"${digits}"}`,
    `{"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${digits.slice(0, 64)}…\\" at /wire","event":"${digits.slice(0, 128)}"}}`,
  ],
  ...[
    'constructor',
    '__proto__',
    'prototype',
    'toString',
    'hasOwnProperty',
    'open',
    'close',
    'closed',
    'connected',
    'disconnected',
    'undecorated',
    'message',
  ].map((name): [string, string, string] => [`an event named ${name}`, `{"event":"${name}"}`, unknown(name)]),
]
