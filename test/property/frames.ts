import fc from 'fast-check'
import { EVENTS } from './gateways.ts'

const WAYS = [
  'return',
  'throw',
  'reject',
  'refuse',
  'forget',
  'later',
  'instead',
  'ack',
  'twice',
  'far too long',
]
const ROOMS = ['room', 'a', '__proto__', 'constructor', '', 'x'.repeat(40), 7, null]

/** What can stand in the place of an id; `own` is one that no other frame has. */
const IDS = ['own', 'own', 'own', 'none', '0', '1', '9007199254740991', '9007199254740992', '1e308', '-1']
const BAD_IDS = ['-0', '0.5', '"7"', 'null', '[]', '{}', 'true', '1e2']

const HOSTILE_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'open', 'close', 'opened']
const OTHER_NAMES = [
  'closed',
  'context',
  'notes',
  'then',
  'nobody',
  ' ',
  '\u0000',
  'é'.repeat(20),
  'x'.repeat(33),
]

/** Texts of which some are frames; # stands for the frame's number. */
const LITERALS = [
  '',
  ' ',
  '{',
  'null',
  '5',
  '[1]',
  '"event"',
  '{}',
  '{"id":#}',
  '{"event":"","id":#}',
  '{"event":5,"id":#}',
  '{"event":{"toString":1},"id":#}',
  '{"event":["echo"],"id":#}',
  '{"event":"echo","event":"never","id":#}',
  '{"event":"echo","id":#,"id":3}',
  '{"__proto__":{"event":"echo"},"id":#}',
  '{"event":"echo","__proto__":{"id":3},"data":{"__proto__":{"n":"x"}},"id":#}',
  '{"event":"checked","data":{"way":"x","__proto__":{"n":"x"}},"id":#}',
  '{"event":"echo","data":1,"args":[1],"id":#}',
  '{"event":"echo","args":{},"id":#}',
  '{"event":"echo","args":[1,2,3],"id":#}',
  '{"event":"checked","args":[{},{}],"id":#}',
  '{"event":"echo","ack":1,"id":#}',
  '{"event":"echo","error":{"code":"X","message":"x"},"id":#}',
  '{"ack":1,"data":2}',
  '{"ack":-1}',
  '{"ack":1,"error":{"code":"X","message":"x"}}',
  '{"ack":1,"error":5}',
  '{"hello":{"sid":"x"}}',
  '{"subscribe":"group:a","after":3,"id":#}',
  '{"unsubscribe":5,"id":#}',
  '{"publish":"user","data":{"x":1},"id":#}',
  '{"watch":"lobby","id":#}',
  '{"unwatch":"lobby"}',
  '{"channel":"user","data":1,"at":4}',
  '{"presence":"lobby","joined":[{"id":"x"}]}',
  '{"ping":1}',
  '{"ping":"1"}',
  '{"ping":1e999}',
  '{"pong":1}',
  '\ufeff{"event":"echo","id":#}',
]

/** A description of a message, so that what fails is printed as plain data. */
export type Spec =
  | { kind: 'frame'; event: string; id: string; way: string; room: unknown; more: unknown }
  | { kind: 'literal'; text: string }
  | { kind: 'nested'; levels: number }
  | { kind: 'large'; length: number }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'damaged'; event: string; id: string; at: number; put: string; cut: number }
  | { kind: 'noise'; text: string }

const pick = <T>(...lists: readonly (readonly T[])[]): fc.Arbitrary<T> => fc.constantFrom(...lists.flat())

const frame: fc.Arbitrary<Spec> = fc.record({
  kind: fc.constant('frame' as const),
  event: pick(EVENTS, EVENTS, EVENTS, HOSTILE_NAMES, OTHER_NAMES),
  id: pick(IDS, IDS, BAD_IDS),
  way: pick(WAYS),
  room: pick<unknown>(ROOMS),
  more: pick<unknown>([undefined, undefined, 'text', 0, [], { deep: [1, { x: null }] }, '\ud800']),
})

export const spec: fc.Arbitrary<Spec> = fc.oneof(
  { weight: 12, arbitrary: frame },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('literal' as const), text: pick(LITERALS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('nested' as const), levels: fc.nat(120) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('large' as const),
      length: fc.integer({ min: 500, max: 2_100 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('bytes' as const), bytes: fc.uint8Array({ maxLength: 8 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('damaged' as const),
      event: pick(EVENTS),
      id: pick(IDS),
      at: fc.nat(80),
      put: pick(['', '"', '{', '}', '[', ',', ':', '0', '-', '\\', '\u0000', 'é']),
      cut: fc.nat(1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('noise' as const), text: fc.string({ maxLength: 20 }) }),
  },
)

/** The message that a description stands for. */
export function message(one: Spec, number: number): string | Uint8Array {
  if (one.kind === 'bytes') return one.bytes
  if (one.kind === 'noise') return one.text
  if (one.kind === 'literal') return one.text.replaceAll('#', String(number))
  if (one.kind === 'nested') {
    const data = '['.repeat(one.levels) + ']'.repeat(one.levels)
    return `{"event":"echo","data":${data},"id":${number}}`
  }
  if (one.kind === 'large') return `{"event":"echo","data":"${'x'.repeat(one.length)}","id":${number}}`
  const id = one.id === 'none' ? '' : `,"id":${one.id === 'own' ? number : one.id}`
  if (one.kind === 'frame') {
    const data = { n: number, way: one.way, room: one.room, more: one.more }
    return `{"event":${JSON.stringify(one.event)},"data":${JSON.stringify(data)}${id}}`
  }
  // No number in it: damage could make it another frame's.
  const whole = `{"event":"${one.event}","data":{"way":"return","room":"a"}${id}}`
  const at = one.at % (whole.length + 1)
  return whole.slice(0, at) + one.put + whole.slice(at + one.cut)
}

/** What happens on one line: a message, so many times at once, and then perhaps something else. */
export interface Step {
  line: number
  spec: Spec
  times: number
  after: 'nothing' | 'turn' | 'moment' | 'second' | 'silence' | 'close' | 'vanish' | 'stop reading' | 'read'
}

export const step: fc.Arbitrary<Step> = fc.record({
  line: fc.nat(3),
  spec,
  times: fc.oneof(
    { weight: 40, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 60 }) },
  ),
  after: fc.oneof(
    { weight: 30, arbitrary: fc.constant('nothing' as const) },
    { weight: 12, arbitrary: fc.constantFrom('turn' as const, 'moment' as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'second' as const,
        'silence' as const,
        'close' as const,
        'vanish' as const,
        'stop reading' as const,
        'read' as const,
      ),
    },
  ),
})
