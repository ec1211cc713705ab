import {
  type Clock,
  type CloseReason,
  Gateway,
  GatewayContext,
  Inject,
  On,
  OnClose,
  OnOpen,
  OnResume,
  OnSuspend,
  type RecoveryOptions,
  type Socket,
  token,
} from 'partyline'
import { Ledger } from './ledger.ts'

/** How long a handler takes that takes its time, in milliseconds. */
export const SLOW = 700

export const CLOCK = token<Clock>('CLOCK')

/** What a client tells the server: always its next number, and sometimes to do something. */
export interface Word {
  from: number
  n: number
  op?: 'join' | 'leave' | 'echo' | 'tell' | 'wait'
  room?: string
}

/**
 * A gateway whose sessions are kept as the options say; what it does and sees stands in the ledger.
 *
 * @param isSlow whether coming, going and coming back take their time.
 */
export function gatewayWith(recovery: RecoveryOptions, isSlow: boolean) {
  @Gateway('/g', { recovery })
  class Server {
    /** In which life of the app: after a crash what waits in its handlers does nothing. */
    readonly #life: number

    constructor(
      readonly all: GatewayContext,
      readonly ledger: Ledger,
      @Inject(CLOCK) readonly clock: Clock,
    ) {
      this.#life = ledger.life
    }

    @OnOpen() opened(socket: Socket) {
      this.ledger.opened(socket)
      // What is sent here comes right after the hello.
      if (this.ledger.live.size % 2 === 0) this.#echo(socket)
      return isSlow ? this.#wait() : undefined
    }

    @OnSuspend() suspended(socket: Socket) {
      this.ledger.lived(socket, 'S')
      return isSlow ? this.#wait() : undefined
    }

    @OnResume() resumed(socket: Socket) {
      this.ledger.lived(socket, 'R')
      return isSlow ? this.#wait() : undefined
    }

    @OnClose() closed(socket: Socket, reason: CloseReason) {
      this.ledger.closed(socket, reason)
    }

    @On() say(socket: Socket, { from, n, op, room = 'a' }: Word) {
      if (this.#life !== this.ledger.life) return undefined
      this.ledger.handle(socket, from, n)
      if (op === 'join') this.ledger.join(socket, room)
      else if (op === 'leave') this.ledger.leave(socket, room)
      else if (op === 'echo') this.#echo(socket)
      else if (op === 'tell') {
        const others = this.ledger.members(room)
        others.delete(socket.id)
        this.ledger.send(others, (n) => socket.to(room).emit('n', n))
      } else if (op === 'wait') return this.#wait().then(() => -n)
      return -n
    }

    #wait(): Promise<void> {
      this.ledger.isPrompt = false
      return new Promise((resolve) => void this.clock.setTimeout(resolve, SLOW))
    }

    #echo(socket: Socket): void {
      this.ledger.send([socket.id], (n) => socket.emit('n', n))
    }
  }
  return Server
}
