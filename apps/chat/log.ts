import { token } from 'partyline'

/** Takes a line for whoever runs the chat. */
export type Log = (line: string) => void

export const LOG = token<Log>('LOG')
