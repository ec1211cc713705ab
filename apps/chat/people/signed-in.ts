import { type Call, type Guard, Injectable, PartylineError } from 'partyline'
import { signIn } from '../events.ts'
import { Directory } from './directory.ts'

/** Lets nobody do anything before they have signed in, and tells them how to. */
@Injectable()
export class SignedIn implements Guard {
  constructor(private readonly directory: Directory) {}

  allows(call: Call): boolean {
    // Anybody may connect: signing in is an event.
    if (call.kind === 'connect' || call.event === signIn.name) return true
    if (this.directory.nameOf(call.socket) !== undefined) return true
    throw new PartylineError('NOT_SIGNED_IN', 'sign in first: send "sign_in" with {"name": your name}')
  }
}
