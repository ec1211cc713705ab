import { Module } from 'partyline'
import { Directory } from './directory.ts'
import { NAMES, NamesHere } from './names.ts'
import { SignedIn } from './signed-in.ts'

/** Who is who. */
@Module({ providers: [Directory, SignedIn, { provide: NAMES, useClass: NamesHere }] })
export class PeopleModule {}
