import { Module } from 'partyline'
import { Directory } from './directory.ts'
import { SignedIn } from './signed-in.ts'

/** Who is who. */
@Module({ providers: [Directory, SignedIn] })
export class PeopleModule {}
