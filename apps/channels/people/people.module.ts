import { Module } from 'partyline'
import { ByCookie } from './by-cookie.ts'
import { SignIns } from './sign-ins.ts'

/** Who is who. */
@Module({ providers: [SignIns, ByCookie] })
export class PeopleModule {}
