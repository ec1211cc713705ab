import { Module } from 'partyline'
import { PeopleModule } from '../people/people.module.ts'
import { ChatGateway } from './chat.gateway.ts'
import { SLOW } from './slow-events.ts'

/** Talking in rooms. */
@Module({
  imports: [PeopleModule],
  gateways: [ChatGateway],
  providers: [{ provide: SLOW, useValue: 100 }],
})
export class RoomsModule {}
