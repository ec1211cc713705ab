export { type Clock, LONGEST, systemClock } from '../protocol/clock.ts'
