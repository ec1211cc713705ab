export { type Clock, systemClock } from '../protocol/clock.ts'
