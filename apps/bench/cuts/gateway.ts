import { Gateway, GatewayContext, On, OnOpen, type Socket } from 'partyline'

/**
 * Counts both ways: notes down the numbers that the page sends, as events and as requests, and sends numbers itself, by
 * turns to the room and to the page alone.
 */
@Gateway('/cuts', { recovery: {} })
export class CutsGateway {
  /** What came from the page, as it came. */
  readonly heard: number[] = []
  /** The last number that was sent to it; they begin with 1. */
  sent = 0
  /** The one to send to, once it has come. */
  page: Socket | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(private readonly context: GatewayContext) {}

  @OnOpen() opened(page: Socket): void {
    page.join('pages')
    this.page = page
  }

  @On() note(_: Socket, n: number): void {
    this.heard.push(n)
  }

  @On() ask(_: Socket, n: number): number {
    this.heard.push(n)
    return n
  }

  /** Begins to send, so many a second, however late the timer is. There has to be a page: what nobody is there for is lost. */
  begin(rate: number): void {
    const begin = performance.now()
    this.#timer = setInterval(() => {
      while (this.sent < ((performance.now() - begin) * rate) / 1_000) this.#send(++this.sent)
    }, 1_000 / rate)
  }

  finish(): void {
    clearInterval(this.#timer)
  }

  #send(n: number): void {
    if (n % 2 === 0) this.context.to('pages').emit('told', n)
    else this.page?.emit('told', n)
  }
}
