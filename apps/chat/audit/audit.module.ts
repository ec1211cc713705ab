import { Module } from 'partyline'
import { PeopleModule } from '../people/people.module.ts'
import { Audit, TRAIL_LENGTH } from './audit.ts'

/** Keeps track of what people do. */
@Module({ imports: [PeopleModule], providers: [Audit, { provide: TRAIL_LENGTH, useValue: 1000 }] })
export class AuditModule {}
