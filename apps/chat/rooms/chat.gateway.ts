import {
  type Data,
  Gateway,
  GatewayContext,
  Guard,
  On,
  OnClose,
  PartylineError,
  type Socket,
  Use,
} from 'partyline'
import { join, joined, leave, left, rename, renamed, said, say, signIn, who } from '../events.ts'
import { Directory, type Person } from '../people/directory.ts'
import { SignedIn } from '../people/signed-in.ts'
import { SlowEvents } from './slow-events.ts'

/** People talk in rooms. What happens in a room is told to everybody in it, whoever did it included. */
@Guard(SignedIn)
@Use(SlowEvents)
@Gateway('/chat', { recovery: {} })
export class ChatGateway {
  constructor(
    private readonly chat: GatewayContext,
    private readonly directory: Directory,
  ) {}

  @On(signIn) signIn(socket: Socket<Person>, { name }: Data<typeof signIn>) {
    this.directory.signIn(socket, name)
    return { name }
  }

  @On(rename) rename(socket: Socket<Person>, { name }: Data<typeof rename>) {
    const was = this.directory.rename(socket, name)
    if (was !== name) for (const room of socket.rooms) this.chat.to(room).emit(renamed, { room, name, was })
    return { name }
  }

  @On(join) join(socket: Socket<Person>, { room }: Data<typeof join>) {
    if (socket.rooms.has(room)) throw new PartylineError('ALREADY_IN_ROOM', 'you are in this room already')
    socket.join(room)
    this.chat.to(room).emit(joined, { room, name: this.#nameOf(socket) })
  }

  @On(leave) leave(socket: Socket<Person>, { room }: Data<typeof leave>) {
    checkIsIn(socket, room)
    this.chat.to(room).emit(left, { room, name: this.#nameOf(socket) })
    socket.leave(room)
  }

  @On(say) say(socket: Socket<Person>, { room, text }: Data<typeof say>) {
    checkIsIn(socket, room)
    this.chat.to(room).emit(said, { room, name: this.#nameOf(socket), text, timestamp: Date.now() })
  }

  @On(who) who(_socket: Socket<Person>, { room }: Data<typeof who>) {
    return { names: this.chat.to(room).sockets.map((socket) => this.#nameOf(socket)) }
  }

  @OnClose() gone(socket: Socket<Person>) {
    this.directory.signOut(socket)
    for (const room of socket.rooms) this.chat.to(room).emit(left, { room, name: this.#nameOf(socket) })
  }

  /** The guard has seen to it that there is one. */
  #nameOf(socket: Socket<Person>): string {
    return this.directory.nameOf(socket) as string
  }
}

function checkIsIn({ rooms }: Socket<Person>, room: string): void {
  if (!rooms.has(room)) throw new PartylineError('NOT_IN_ROOM', 'you are not in this room: "join" it first')
}
