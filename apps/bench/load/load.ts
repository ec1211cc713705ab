import { type Connection, openMany } from './connection.ts'
import { clientFrame } from './frames.ts'
import { Group } from './group.ts'
import type { Traffic } from './traffic.ts'
import type { Wire } from './wire.ts'

/** After so many milliseconds without a reply, replies are taken for lost. */
const patience = 15_000

/** Traffic on open connections. It rests until told to run. */
export class Load {
  private readonly connections: Connection[] = []
  private groups: readonly Group[] = []
  private fail: (reason: Error) => void = () => {}

  private constructor(
    private readonly traffic: Traffic,
    private readonly wire: Wire,
    private readonly port: number,
  ) {}

  /** Connects, joins, and has every window answered once, to check the replies word by word. */
  static async open(traffic: Traffic, wire: Wire, port: number): Promise<Load> {
    const load = new Load(traffic, wire, port)
    load.groups = await load.gather()
    for (const group of load.groups) group.check(wire)
    await load.during((group, finish) => group.start(finish, traffic.windows.length))
    for (const group of load.groups) group.count()
    return load
  }

  /**
   * Keeps all senders busy for so many milliseconds, and then waits until nothing is outstanding. Gives the number of
   * replies that arrived: what the server did meanwhile is the work for exactly these.
   */
  async run(milliseconds: number): Promise<number> {
    const before = this.replies()
    const end = setTimeout(() => {
      for (const group of this.groups) group.stop()
    }, milliseconds)
    await this.during((group, finish) => group.start(finish)).finally(() => clearTimeout(end))
    return this.replies() - before
  }

  close(): void {
    this.fail = () => {}
    for (const connection of this.connections) connection.close()
  }

  private replies(): number {
    return this.groups.reduce((sum, group) => sum + group.replies, 0)
  }

  private async gather(): Promise<Group[]> {
    const { senders, listeners, join, windows } = this.traffic
    const bytes = windows.map(({ messages }) =>
      Buffer.concat(messages.map((message) => clientFrame(this.wire.encode(message)))),
    )
    const groups: Group[] = []
    for (const sender of await this.connect(senders)) {
      const others = await this.connect(listeners)
      if (join) await Promise.all(others.map((one) => answered(one, clientFrame(this.wire.encode(join)))))
      const receivers = listeners > 0 ? others : [sender]
      groups.push(new Group(sender, receivers, bytes, this.traffic, (reason) => this.fail(reason)))
    }
    return groups
  }

  private async connect(count: number): Promise<Connection[]> {
    const connections = await openMany(count, this.port, this.wire)
    for (const connection of connections) connection.lost = (reason) => this.fail(reason)
    this.connections.push(...connections)
    return connections
  }

  /** Starts each group, and resolves when each has called `finish`. */
  private async during(start: (group: Group, finish: () => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.fail = reject
    let running = this.groups.length
    for (const group of this.groups) {
      start(group, () => {
        if (--running === 0) resolve()
      })
    }
    let seen = -1
    const watch = setInterval(() => {
      if (this.replies() === seen) reject(new Error(`no reply for ${patience / 1000} s: some were lost`))
      seen = this.replies()
    }, patience)
    await promise.finally(() => clearInterval(watch))
  }
}

/** Sends a frame on a connection and resolves with the first frame that comes back. */
function answered(connection: Connection, frame: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.receive = () => resolve()
    connection.lost = reject
    connection.send(frame)
  })
}
