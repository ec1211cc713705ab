import { Gateway, GatewayContext, On, OnClose, PartylineError, type Socket } from 'partyline'
import { GuestList } from './guests.ts'

/** The party: who comes in is announced, what is said is heard by all, who leaves is missed. */
@Gateway('/party')
export class PartyGateway {
  constructor(
    private readonly party: GatewayContext,
    private readonly guests: GuestList,
  ) {}

  @On('connection') arrive(socket: Socket, data: unknown) {
    const user = text(data, 'user')
    this.party.emit('user_joined', {
      message: `Hey guys, ${user} just joined the party!`,
      timestamp: Date.now(),
    })
    socket.emit('welcome', { message: `Welcome to the party ${user}!` })
    this.party.sockets.at(0)?.emit('receive_client', { user })
    return { guests: this.guests.add(socket.id, user) }
  }

  @On() say(socket: Socket, data: unknown) {
    const user = this.guests.nameOf(socket.id)
    if (user === undefined)
      throw new PartylineError('UNKNOWN_GUEST', 'come in first: send "connection" with your name')
    this.party.emit('said', { user, message: text(data, 'message'), timestamp: Date.now() })
  }

  @OnClose() leave(socket: Socket) {
    const user = this.guests.remove(socket.id)
    if (user !== undefined) this.party.emit('user_left', { user })
  }
}

/** The text under a key of what a client sent. */
function text(data: unknown, key: string): string {
  const value = (data as Record<string, unknown> | null | undefined)?.[key]
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  throw new PartylineError('INVALID_DATA', `"${key}" is missing or no text`)
}
