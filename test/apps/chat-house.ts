import { afterAll, afterEach, beforeAll, expect } from 'bun:test'
import type { App, AppOptions } from 'partyline'
import { createChat } from '../../apps/chat/app.ts'
import { until } from '../support/until.ts'

/** A plain WebSocket, and what it was sent and nobody has looked at, but for the positions. */
export class ChatClient {
  readonly frames: unknown[] = []
  /** Of those that had one. */
  readonly positions: unknown[] = []

  private constructor(readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      const { pos, ...frame } = JSON.parse(data)
      if (pos !== undefined) this.positions.push(pos)
      this.frames.push(frame)
    })
  }

  static async come(url: string): Promise<ChatClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`)
    const client = new ChatClient(socket)
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    return client
  }

  /** Sends some frames, and gives all that comes until there are as many frames as expected. */
  async after(texts: string[], count = texts.length): Promise<unknown[]> {
    for (const text of texts) this.socket.send(text)
    return this.next(count)
  }

  async next(count: number): Promise<unknown[]> {
    await until(() => this.frames.length >= count, `${count} frames after ${JSON.stringify(this.frames)}`)
    return this.frames.splice(0)
  }

  /** Whether nothing has come: the server answers in order, so that it would have come before this answer. */
  async hasHeardNothing(): Promise<void> {
    expect(await this.after(['{"event":"who","data":{"room":"-"},"id":999}'])).toEqual([
      { ack: 999, data: { names: [] } },
    ])
  }
}

/** A chat that listens while the tests of a file run, empty at the beginning of each. */
export class ChatHouse {
  readonly app: App
  url = ''
  readonly #everybody: ChatClient[] = []

  constructor(providers: AppOptions['providers']) {
    this.app = createChat({ providers })
    beforeAll(async () => {
      this.url = (await this.app.listen({ port: 0, signals: false })).url
    })
    afterAll(() => this.app.stop())
    afterEach(async () => {
      for (const { socket } of this.#everybody.splice(0)) socket.close()
      await until(() => this.app.sockets.size === 0, 'everybody to be gone')
    })
  }

  async client(): Promise<ChatClient> {
    const come = await ChatClient.come(this.url)
    this.#everybody.push(come)
    return come
  }

  /** Somebody who has signed in, and is in these rooms. */
  async person(name: string, ...rooms: string[]): Promise<ChatClient> {
    const come = await this.client()
    await come.after([`{"event":"sign_in","data":{"name":"${name}"},"id":1}`])
    for (const room of rooms) await come.after([`{"event":"join","data":{"room":"${room}"},"id":1}`], 2)
    return come
  }
}

/** The answer that something could not be done. */
export const failure = (ack: number, code: string): object => ({
  ack,
  error: { code, message: expect.any(String) },
})
