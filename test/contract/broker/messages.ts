import { expect, test } from 'bun:test'
import { bytesOf, type Join, Notes, newName, numbers, textOf, until } from './network.ts'

export function messages(join: Join): void {
  test('reach all others that listen to the channel, and neither the sender nor anybody else', async () => {
    const network = join()
    const [ann, bob, eve] = await Promise.all([network.join(), network.join(), network.join()])
    const channel = newName()
    const notes = [new Notes(), new Notes(), new Notes(), new Notes()] as const
    const heard = [
      ann.messages.subscribe(channel, notes[0]),
      bob.messages.subscribe(channel, notes[1]),
      eve.messages.subscribe(channel, notes[2]),
      eve.messages.subscribe(`${channel} too`, notes[3]),
    ]
    await Promise.all(heard.map(({ ready }) => ready))

    ann.messages.publish(channel, bytesOf('hi'))
    bob.messages.publish(channel, bytesOf('hello'))
    await until(() => notes[2].texts.length === 2, 'both to arrive')
    await until(() => notes[0].texts.length === 1 && notes[1].texts.length === 1, 'the others')
    expect(notes.map(({ texts }) => [...texts].sort())).toEqual([['hello'], ['hi'], ['hello', 'hi'], []])
    expect(notes[0].from).toEqual([bob.node])
    expect(notes[1].from).toEqual([ann.node])
    expect(eve.counters).toMatchObject({ received: 2, published: 0, garbage: 0, gaps: 0 })
    expect(ann.counters).toMatchObject({ received: 1, published: 1, failed: 0, dropped: 0 })
  })

  test('are the same bytes, whatever they are', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName()
    const heard: Uint8Array[] = []
    await bob.messages.subscribe(channel, { message: (bytes) => void heard.push(bytes) }).ready
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const large = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251)
    const sent = [all, new Uint8Array(), all.subarray(200), large, bytesOf('a\r\nb\0é')]
    for (const bytes of sent) ann.messages.publish(channel, bytes)
    await until(() => heard.length === sent.length, 'all of them')
    for (const [i, bytes] of sent.entries()) expect(heard[i]).toEqual(Uint8Array.from(bytes))
    expect(heard.every((bytes) => Object.getPrototypeOf(bytes) === Uint8Array.prototype)).toBe(true)
  })

  test('keep the order of their sender', async () => {
    const network = join()
    const [ann, bob, eve] = await Promise.all([network.join(), network.join(), network.join()])
    const channel = newName()
    const notes = new Notes()
    await eve.messages.subscribe(channel, notes).ready
    for (const number of numbers(500)) {
      ann.messages.publish(channel, bytesOf(`ann ${number}`))
      bob.messages.publish(channel, bytesOf(`bob ${number}`))
      if (Number(number) % 50 === 0) await Promise.resolve()
    }
    await until(() => notes.texts.length === 1_000, 'all of them')
    for (const name of ['ann', 'bob'])
      expect(notes.texts.filter((text) => text.startsWith(name))).toEqual(numbers(500, `${name} `))
  })

  test('are taken when they are published: the array may be used again', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName()
    const notes = new Notes()
    await bob.messages.subscribe(channel, notes).ready
    const bytes = bytesOf('first')
    ann.messages.publish(channel, bytes)
    bytes.set(bytesOf('other'))
    ann.messages.publish(channel, bytes)
    await until(() => notes.texts.length === 2, 'both')
    expect(notes.texts).toEqual(['first', 'other'])
  })

  test('come to each subscription of a node; the last one that is closed ends it', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName()
    const [one, two] = [new Notes(), new Notes()]
    const first = bob.messages.subscribe(channel, one)
    const second = bob.messages.subscribe(channel, two)
    await Promise.all([first.ready, second.ready])
    await until(async () => (await network.channels()).length === 1, 'one subscription')

    ann.messages.publish(channel, bytesOf('a'))
    await until(() => one.texts.length === 1 && two.texts.length === 1, 'it to arrive at both')
    first.close()
    first.close()
    ann.messages.publish(channel, bytesOf('b'))
    await until(() => two.texts.length === 2, 'it to arrive at one')
    expect(one.texts).toEqual(['a'])
    expect(await network.channels()).toHaveLength(1)
    second.close()
    await until(async () => (await network.channels()).length === 0, 'no subscription')
  })

  test('do not come any more once a subscription is closed, not even those on their way', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName()
    const [closing, going] = [new Notes(), new Notes()]
    const subscription = bob.messages.subscribe(channel, {
      message(bytes, from) {
        closing.message(bytes, from)
        if (closing.texts.length === 3) subscription.close()
      },
    })
    await Promise.all([subscription.ready, bob.messages.subscribe(channel, going).ready])
    for (const number of numbers(20)) ann.messages.publish(channel, bytesOf(number))
    await until(() => going.texts.length === 20, 'all of them')
    expect(closing.texts).toEqual(['0', '1', '2'])
  })

  test('are heard or not by who wanted them last, however often that changed', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channels = Array.from({ length: 12 }, () => newName())
    const notes = channels.map(() => new Notes())
    const open = new Map<number, ReturnType<typeof bob.messages.subscribe>>()
    // Each turns on and off again and again, at a pace of its own.
    for (let round = 0; round < 60; round++) {
      for (const [i, channel] of channels.entries()) {
        if (round % (i + 1) !== 0) continue
        const subscription = open.get(i)
        if (subscription === undefined) open.set(i, bob.messages.subscribe(channel, notes[i] as Notes))
        else {
          subscription.close()
          open.delete(i)
        }
      }
      if (round % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all([...open.values()].map(({ ready }) => ready))
    await until(
      async () => (await network.channels()).length === open.size,
      'the subscriptions that are left',
    )
    for (const channel of channels) ann.messages.publish(channel, bytesOf('last'))
    await until(() => [...open.keys()].every((i) => notes[i]?.texts.includes('last')), 'it to arrive')
    expect(notes.flatMap(({ texts }, i) => (texts.includes('last') ? [i] : []))).toEqual(
      [...open.keys()].sort((a, b) => a - b),
    )
  })

  test('of other programs are heard on open channels, as they are', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName('broadcast:')
    const [open, own] = [new Notes(), new Notes()]
    await Promise.all([
      ann.messages.subscribe(channel, open, { open: true }).ready,
      ann.messages.subscribe(channel, own).ready,
    ])
    await network.publish(channel, bytesOf('Hello'))
    bob.messages.publish(channel, bytesOf('from bob'), { open: true })
    bob.messages.publish(channel, bytesOf('among us'))
    await until(() => open.texts.length === 2 && own.texts.length === 1, 'all of them')
    expect(open.texts.toSorted()).toEqual(['Hello', 'from bob'])
    expect(own.texts).toEqual(['among us'])
    expect(open.from[open.texts.indexOf('Hello')]).toBeUndefined()
    expect(open.from[open.texts.indexOf('from bob')]).toBe(bob.node)
  })

  test('may have any name, and each name is another channel', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const name = newName()
    const channels = [
      name,
      `${name} `,
      `{${name}}`,
      `${name}{a}b`,
      `${name}\n`,
      `${name}é🎈`,
      `${name}:*`,
      `${name}?`,
    ]
    const notes = channels.map(() => new Notes())
    await Promise.all(channels.map((one, i) => bob.messages.subscribe(one, notes[i] as Notes).ready))
    for (const [i, channel] of channels.entries()) ann.messages.publish(channel, bytesOf(String(i)))
    await until(() => notes.every(({ texts }) => texts.length > 0), 'all of them')
    expect(notes.map(({ texts }) => texts)).toEqual(channels.map((_, i) => [String(i)]))
  })

  test('are delivered although a handler throws, which is logged, and never within a call', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const channel = newName()
    const notes = new Notes()
    let isCalling = false
    const failing = {
      message(bytes: Uint8Array) {
        expect(isCalling).toBe(false)
        throw new Error(`no ${textOf(bytes)}`)
      },
    }
    isCalling = true
    const subscriptions = [bob.messages.subscribe(channel, failing), bob.messages.subscribe(channel, notes)]
    isCalling = false
    await Promise.all(subscriptions.map(({ ready }) => ready))
    isCalling = true
    ann.messages.publish(channel, bytesOf('thanks'))
    isCalling = false
    await until(() => notes.texts.length === 1, 'the other one')
    const logged = network.log.take().filter(({ level }) => level === 'error')
    expect(logged).toMatchObject([{ error: new Error('no thanks') }])
  })
}
