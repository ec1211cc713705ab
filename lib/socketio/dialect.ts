import { BACKLOG } from '../core/buffer.ts'
import type { Dialect, DialectHost } from '../core/dialect.ts'
import type { AssemblyRules } from './assembler.ts'
import type { SocketioCodec } from './codec.ts'
import { type ConnectionParts, SocketioConnection } from './connection.ts'
import { EngineServer } from './engine/server.ts'
import type { Offsets } from './offset.ts'
import type { SocketioRules } from './options.ts'

/** An app's clients that speak Socket.IO: an Engine.IO server, and what its sessions are to gateways. */
export class SocketioDialect implements Dialect, ConnectionParts {
  readonly host: DialectHost
  readonly codecs: ReadonlyMap<string, SocketioCodec>
  readonly offsets: Offsets | undefined
  readonly rules: SocketioRules
  readonly assembly: AssemblyRules
  readonly #engine: EngineServer
  #isDraining = false

  constructor(
    host: DialectHost,
    codecs: ReadonlyMap<string, SocketioCodec>,
    offsets: Offsets | undefined,
    rules: SocketioRules,
  ) {
    this.host = host
    this.codecs = codecs
    this.offsets = offsets
    this.rules = rules
    const { limits, clock } = host
    this.assembly = {
      depth: limits.depth,
      attachments: rules.maxAttachments,
      timeout: rules.attachmentTimeout,
    }
    const bounds = {
      maxSessions: limits.connections,
      // Sessions look after slow clients. Of those that no session has, what waits is little.
      maxBuffered: 2 * BACKLOG * limits.buffer,
    }
    this.#engine = new EngineServer(
      { ...rules.engine, ...bounds },
      {
        clock,
        opened: (socket, handshake) => new SocketioConnection(socket, handshake, this),
        full: ({ ip }) => host.crowded(ip),
        failed: (error) => host.report(error, 'a connection of Socket.IO failed'),
      },
    )
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  serves(path: string): boolean {
    return this.#engine.serves(path)
  }

  handle(...[request, , peer, upgrade]: Parameters<Dialect['handle']>): ReturnType<Dialect['handle']> {
    return this.#engine.handle(request, peer, upgrade)
  }

  drain(): void {
    this.#isDraining = true
  }

  async stop(): Promise<void> {
    this.#engine.stop()
  }
}
