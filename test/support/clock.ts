/** A clock that stands still until a test moves it. */
export { ManualClock as HandClock } from 'partyline/testing'
