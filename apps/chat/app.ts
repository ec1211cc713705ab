import { type App, type AppOptions, createApp, Module } from 'partyline'
import { socketio } from 'partyline/socketio'
import { AuditModule } from './audit/audit.module.ts'
import { LOG } from './log.ts'
import { page } from './page.ts'
import { NAMES } from './people/names.ts'
import { NamesEverywhere } from './people/names-everywhere.ts'
import { RoomsModule } from './rooms/rooms.module.ts'

@Module({
  imports: [RoomsModule, AuditModule],
  providers: [{ provide: LOG, useValue: console.log }],
})
export class ChatModule {}

/** How it is run, whoever its clients are. A person may be in 50 rooms: each of them hears of a new name. */
export const chatOptions = { fetch: page, clientScript: true, limits: { rooms: 50 } } satisfies AppOptions

/** Messages of clients of Socket.IO may be as long as those of all others. */
const socketioOptions = { connectionStateRecovery: true, maxHttpBufferSize: 65_536 }

/** The chat with its pages, for clients of Socket.IO too; with a broker, as one of the nodes that serve it together. */
export function createChat(options: AppOptions = {}): App {
  const { broker, providers = [] } = options
  const names = broker && { provide: NAMES, useValue: new NamesEverywhere(broker) }
  return createApp(ChatModule, {
    ...chatOptions,
    dialects: [socketio(socketioOptions)],
    ...options,
    providers: names === undefined ? providers : [names, ...providers],
  })
}
