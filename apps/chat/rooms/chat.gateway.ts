import {
  type Data,
  Gateway,
  GatewayContext,
  Guard,
  On,
  OnClose,
  OnResume,
  PartylineError,
  type Socket,
  Use,
} from 'partyline'
import { join, joined, leave, left, rename, renamed, said, say, signIn, who } from '../events.ts'
import { Directory, type Person } from '../people/directory.ts'
import { SignedIn } from '../people/signed-in.ts'
import { Circle } from './circle.ts'
import { SlowEvents } from './slow-events.ts'

/**
 * People talk in rooms. What happens in a room is told to everybody in it, whoever did it included: they themselves at once, and
 * the others by the room's circle, which knows of what happens on all nodes.
 */
@Guard(SignedIn)
@Use(SlowEvents)
@Gateway('/chat', { recovery: {}, presence: {} })
export class ChatGateway {
  /** By room, where somebody of this node is. */
  readonly #circles = new Map<string, Circle>()

  constructor(
    private readonly chat: GatewayContext,
    private readonly directory: Directory,
  ) {}

  @On(signIn) async signIn(socket: Socket<Person>, { name }: Data<typeof signIn>) {
    await this.directory.signIn(socket, name)
    return { name }
  }

  @On(rename) async rename(socket: Socket<Person>, { name }: Data<typeof rename>) {
    const was = await this.directory.rename(socket, name)
    if (was === name) return { name }
    for (const room of socket.rooms) {
      this.chat.presence(room).update(socket, { name })
      socket.emit(renamed, { room, name, was })
    }
    return { name }
  }

  @On(join) join(socket: Socket<Person>, { room }: Data<typeof join>) {
    if (socket.rooms.has(room)) throw new PartylineError('ALREADY_IN_ROOM', 'you are in this room already')
    socket.join(room)
    this.#enter(socket, room)
    socket.emit(joined, { room, name: this.#nameOf(socket) })
  }

  @On(leave) leave(socket: Socket<Person>, { room }: Data<typeof leave>) {
    checkIsIn(socket, room)
    socket.leave(room)
    this.#circles.get(room)?.endIfEmpty()
    socket.emit(left, { room, name: this.#nameOf(socket) })
  }

  @On(say) say(socket: Socket<Person>, { room, text }: Data<typeof say>) {
    checkIsIn(socket, room)
    this.chat.to(room).emit(said, { room, name: this.#nameOf(socket), text, timestamp: Date.now() })
  }

  @On(who) async who(_socket: Socket<Person>, { room }: Data<typeof who>) {
    const circle = this.#circles.get(room)
    return { names: circle === undefined ? await this.#namesElsewhere(room) : await circle.names() }
  }

  /** Perhaps to this node, from another one. */
  @OnResume() async back(socket: Socket<Person>) {
    for (const room of socket.rooms) this.#enter(socket, room)
    await this.directory.comeBack(socket)
  }

  @OnClose() gone(socket: Socket<Person>) {
    this.directory.signOut(socket)
    for (const room of socket.rooms) this.#circles.get(room)?.endIfEmpty()
  }

  /** Somebody of this node is in a room, by this name. */
  #enter(socket: Socket<Person>, room: string): void {
    if (!this.#circles.has(room))
      this.#circles.set(room, new Circle(this.chat, room, () => this.#circles.delete(room)))
    this.chat.presence(room).update(socket, { name: this.#nameOf(socket) })
  }

  async #namesElsewhere(room: string): Promise<string[]> {
    try {
      const members = await this.chat.presence(room).members()
      return members.flatMap(({ state }) => (state as Person).name ?? [])
    } catch (cause) {
      const message = 'who is there is not known now: try again'
      throw new PartylineError('UNAVAILABLE', message, undefined, { cause })
    }
  }

  /** The guard has seen to it that there is one. */
  #nameOf(socket: Socket<Person>): string {
    return this.directory.nameOf(socket) as string
  }
}

function checkIsIn({ rooms }: Socket<Person>, room: string): void {
  if (!rooms.has(room)) throw new PartylineError('NOT_IN_ROOM', 'you are not in this room: "join" it first')
}
