import { expect, test } from 'bun:test'
import { bytes, hex } from '../../support/hex.ts'
import { numbers } from '../broker/network.ts'
import type { Nodes } from './fleet.ts'
import { Bare, codecs, frame, guest, MSGPACK, party, Talk, TalkModule } from './talk.ts'

type Context = ReturnType<ReturnType<Nodes>['context']>

/** What is emitted, and which of the members below hear it. */
const audiences: [what: string, emit: (context: Context) => void, heard: number[]][] = [
  ['everybody', (context) => context.emit('news'), [0, 1, 2, 3, 4, 5]],
  ['a room', (context) => context.to('a').emit('news'), [0, 2, 4]],
  ['a room that is on another node only', (context) => context.to('far').emit('news'), [5]],
  ['several rooms, each once', (context) => context.to('a', 'b').emit('news'), [0, 1, 2, 3, 4]],
  ['everybody but a room', (context) => context.except('b').emit('news'), [0, 4, 5]],
  ['a room but for another', (context) => context.to('a').except('b').emit('news'), [0, 4]],
  [
    'several rooms but for others',
    (context) => context.to('a', 'far').except('b', 'far').emit('news'),
    [0, 4],
  ],
  ['a room in which nobody is', (context) => context.to('void').emit('news'), []],
  ['no room at all', (context) => context.to().emit('news'), []],
]

export function delivery(fleet: Nodes): void {
  for (const from of [0, 1])
    test.each(audiences)(
      `node ${from} reaches, on all nodes and exactly once: %s`,
      async (_, emit, heard) => {
        const { nodes, members } = await party(fleet(), [['a'], ['b']], [['a', 'b'], ['b']], [['a'], ['far']])
        emit(fleet().context(nodes[from] as (typeof nodes)[0], Talk))
        const counts = members.map((_, i) => (heard.includes(i) ? 1 : 0))
        const came = await fleet().heard(Talk, members, counts)
        expect(came).toEqual(counts.map((count) => (count === 0 ? [] : [frame('news')])))
      },
    )

  test('a socket is left out where it is, and its message comes back from nowhere', async () => {
    const { nodes, members } = await party(fleet(), [['a'], ['a']], [['a'], []])
    members[0]?.client.send('{"event":"toOthers","data":["a"]}')
    const toOthers = [frame('toOthers')]
    expect(await fleet().heard(Talk, members, [0, 1, 1, 0])).toEqual([[], toOthers, toOthers, []])
    members[0]?.client.send('{"event":"toOthers","data":["a","b"]}')
    expect(await fleet().heard(Talk, members, [0, 1, 1, 0])).toEqual([[], toOthers, toOthers, []])
    members[0]?.client.send('{"event":"broadcast"}')
    const all = [frame('broadcast')]
    expect(await fleet().heard(Talk, members, [0, 1, 1, 1])).toEqual([[], all, all, all])

    const context = fleet().context(nodes[0] as (typeof nodes)[0], Talk)
    const [first, second] = context.sockets
    if (first === undefined || second === undefined) throw new Error('there are two')
    context.except(first, second).emit('far')
    expect(await fleet().heard(Talk, members, [0, 0, 1, 1])).toEqual([[], [], [frame('far')], [frame('far')]])
    // What others had said it did not hear, nor does anybody hear himself.
    expect(nodes.map((node) => node.stats().broker)).toMatchObject([{ garbage: 0 }, { garbage: 0 }])
  })

  test('each speaks in its own codec, and bytes are exact', async () => {
    const one = fleet()
    const nodes = await one.launch(3, TalkModule, { codecs })
    const [ann, bob, eve] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    const plain = await guest(one, bob, 'a')
    const packed = await one.connect(eve, '/talk', { subprotocols: [MSGPACK] })
    await packed.next()
    // [0, "enter", ["a"]]
    packed.client.send(bytes("93 00 a5'enter' 91 a1'a'"))
    await one.settled(Talk, 2)

    one.context(ann, Talk).to('a').emit('said', { text: 'é☃𝄞\0', n: 1 })
    expect(await plain.next()).toEqual(['{"event":"said","data":{"text":"é☃𝄞\\u0000","n":1}}'])
    const [said] = await packed.next()
    expect(hex(said as Uint8Array)).toBe(hex(bytes("93 00 a4'said' 91 82 a4'text' aa'é☃𝄞' 00 a1'n' 01")))

    // JSON cannot carry it, MessagePack can; of which there are no clients here, and nobody is to be told.
    one.context(ann, Talk).to('a').emit('file', bytes('00 ff 80'))
    const [file] = await packed.next()
    expect(hex(file as Uint8Array)).toBe(hex(bytes("93 00 a4'file' 91 c4 03 00 ff 80")))
    expect(await one.heard(Talk, [plain, packed], [0, 0])).toEqual([[], []])

    // On a node where somebody speaks JSON that is reported, and the others get it all the same.
    one.context(bob, Talk).to('a').emit('file', bytes('01'))
    expect(await packed.next()).toHaveLength(1)
    expect(one.logged(bob).filter(({ level }) => level === 'error')).toMatchObject([
      { message: expect.stringContaining('partyline.json.v1, which cannot carry it') },
    ])
  })

  test('what no codec can carry is thrown where it is emitted, and nobody hears of it', async () => {
    const { nodes, members } = await party(fleet(), [['a']], [['a']])
    const circle: { self?: unknown } = {}
    circle.self = circle
    const context = fleet().context(nodes[0] as (typeof nodes)[0], Talk)
    expect(() => context.to('a').emit('circle', circle)).toThrow(TypeError)
    expect(await fleet().heard(Talk, members, [0, 0])).toEqual([[], []])
  })

  test('gateways without frames: text as text, bytes as bytes', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { codecs })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const sender = await one.connect(ann, '/bare/a')
    const members = [await one.connect(bob, '/bare/a'), await one.connect(bob, '/bare/b')]
    await one.settled(Bare, 3)
    sender.client.send('\ufefftext ☃')
    expect(await one.heard(Bare, [sender, ...members], [0, 1, 1])).toEqual([
      [],
      ['\ufefftext ☃'],
      ['\ufefftext ☃'],
    ])
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    one.context(ann, Bare).to('a').send(all)
    one.context(ann, Bare).to('a').send('')
    one.context(ann, Bare).to('a').send(new Uint8Array())
    const expected = [all, '', new Uint8Array()]
    expect(await one.heard(Bare, [sender, ...members], [3, 3, 0])).toEqual([expected, expected, []])
  })

  test('what one node says in a room, and what it says to all, keeps its order', async () => {
    const { nodes, members } = await party(fleet(), [], [], [['a'], ['a', 'b']])
    const contexts = nodes.map((node) => fleet().context(node, Talk))
    for (let n = 0; n < 500; n++) {
      for (const from of [0, 1]) {
        contexts[from]?.to('a').emit('room', `${from}.${n}`)
        contexts[from]?.emit('all', `${from}.${n}`)
      }
      if (n % 100 === 0) await Promise.resolve()
    }
    for (const came of await fleet().heard(Talk, members, [2_000, 2_000])) {
      const texts = came.map(String)
      for (const event of ['room', 'all'])
        for (const from of [0, 1])
          expect(texts.filter((text) => text.startsWith(`{"event":"${event}","data":"${from}.`))).toEqual(
            numbers(500).map((n) => `{"event":"${event}","data":"${from}.${n}"}`),
          )
      expect(texts).toHaveLength(2_000)
    }
  })

  // As UTF-8, all names that are no well-formed text are the same one.
  test('a node whose only room has half a character for a name hears what is for it, and nothing else', async () => {
    const { nodes, members } = await party(fleet(), [], [['\ud800']], [['\udfff']])
    const context = fleet().context(nodes[0] as (typeof nodes)[0], Talk)
    for (const name of ['\ud800', '\udfff', '\ufffd']) context.to(name).emit('n', name.charCodeAt(0))
    expect(await fleet().heard(Talk, members, [1, 1])).toEqual([
      ['{"event":"n","data":55296}'],
      ['{"event":"n","data":57343}'],
    ])
  })

  test('a room is whatever text names it', async () => {
    const names = [
      ...['', ' ', 'a', '#', 'a#b', '{x}', '{x}y', '{}', 'x', '*', '[a]', '\r\n', 'a\0b', '__proto__', 'ä ☃'],
      ...['\ud800', '\udfff', '\ufffd', '"\\ud800"', 'x'.repeat(500), 'x'.repeat(499), 'app', 'node:1'],
    ]
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { limits: { roomName: 500 } })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const members = await Promise.all(names.map((name) => guest(one, bob, name)))
    await one.settled(Talk, names.length)
    const context = one.context(ann, Talk)
    for (const [i, name] of names.entries()) context.to(name).emit('n', i)
    const once = names.map((_, i) => [`{"event":"n","data":${i}}`])
    expect(
      await one.heard(
        Talk,
        members,
        names.map(() => 1),
      ),
    ).toEqual(once)
    for (const [i, name] of names.entries()) context.to(name, 'void').emit('n', i)
    expect(
      await one.heard(
        Talk,
        members,
        names.map(() => 1),
      ),
    ).toEqual(once)
    expect(await Promise.all(names.map((name) => context.count(name)))).toEqual(names.map(() => 1))
  })
}
