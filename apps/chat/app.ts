import { type App, type AppOptions, createApp, Module } from 'partyline'
import { AuditModule } from './audit/audit.module.ts'
import { LOG } from './log.ts'
import { page } from './page.ts'
import { RoomsModule } from './rooms/rooms.module.ts'

@Module({
  imports: [RoomsModule, AuditModule],
  providers: [{ provide: LOG, useValue: console.log }],
})
export class ChatModule {}

/** How it is run. A person may be in 50 rooms: each of them hears of a new name. */
export const chatOptions = { fetch: page, clientScript: true, limits: { rooms: 50 } } satisfies AppOptions

/** The chat with its page. */
export function createChat(options: AppOptions = {}): App {
  return createApp(ChatModule, { ...chatOptions, ...options })
}
