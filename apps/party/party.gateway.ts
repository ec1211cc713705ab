import { Gateway, GatewayContext, On, OnClose, PartylineError, type Socket } from 'partyline'
import { GuestList } from './guests.ts'

/** The longest name and message, in characters; the page's form says the same. */
const NAME_LENGTH = 40
const MESSAGE_LENGTH = 500

/** The party: who comes in is announced, what is said is heard by all, who leaves is missed. */
@Gateway('/party')
export class PartyGateway {
  constructor(
    private readonly party: GatewayContext,
    private readonly guests: GuestList,
  ) {}

  @On('connection') arrive(socket: Socket, data: unknown) {
    if (this.guests.nameOf(socket.id) !== undefined)
      throw new PartylineError('ALREADY_IN', 'you are at the party already')
    const user = text(data, 'user', NAME_LENGTH)
    const guests = this.guests.add(socket.id, user)
    this.party.emit('user_joined', {
      message: `Hey guys, ${user} just joined the party!`,
      timestamp: Date.now(),
    })
    socket.emit('welcome', { message: `Welcome to the party ${user}!` })
    this.party.sockets.get(this.guests.first ?? '')?.emit('receive_client', { user })
    return { guests }
  }

  @On() say(socket: Socket, data: unknown) {
    const user = this.guests.nameOf(socket.id)
    if (user === undefined)
      throw new PartylineError('UNKNOWN_GUEST', 'come in first: send "connection" with your name')
    const message = text(data, 'message', MESSAGE_LENGTH)
    this.party.emit('said', { user, message, timestamp: Date.now() })
  }

  @OnClose() leave(socket: Socket) {
    const user = this.guests.remove(socket.id)
    if (user !== undefined) this.party.emit('user_left', { user })
  }
}

/** The text under a key of what a client sent. */
function text(data: unknown, key: string, longest: number): string {
  const value = (data as Record<string, unknown> | null | undefined)?.[key]
  if (typeof value !== 'string' || value.trim() === '')
    throw new PartylineError('INVALID_DATA', `"${key}" is missing or no text`)
  const trimmed = value.trim()
  if (trimmed.length > longest)
    throw new PartylineError('INVALID_DATA', `"${key}" is longer than ${longest} characters`)
  return trimmed
}
