import { closeCodes } from '../protocol/close.ts'
import { PartylineError } from '../protocol/error.ts'
import { channels } from './channels.ts'
import { connect } from './client.ts'
import { presence } from './presence.ts'

// For pages without a bundler: this file and all that it imports become one script, which leaves one name behind.
Object.assign(globalThis, { partyline: { connect, channels, presence, PartylineError, closeCodes } })
