import { closeCodes } from '../protocol/close.ts'
import { tellReceived } from './aside.ts'
import type { Session } from './session.ts'

/** How long nothing has been heard of a client, in looks from time to time. */
export class Pulse {
  /** How often somebody looked and nothing had arrived since the last time. */
  quiet = 0

  /** Looks: asks after two in vain, and gives up after four, where the client expects to be asked. */
  check(session: Session, isAsked: boolean): void {
    this.quiet++
    if (this.quiet > 1) session.dispatch.readOn()
    if (!isAsked || !session.isOpen) return
    if (this.quiet > 3) {
      session.shared.stats.count('heartbeatsLost')
      return session.leaveLine(closeCodes.heartbeatLost.code, 'heartbeat lost')
    }
    if (this.quiet > 1) session.sendNow({ ping: this.quiet - 1 })
    tellReceived(session, true)
  }
}
