import { json, type Wire } from './load/wire.ts'

/** A server that the bench can start, and how to talk to it. */
export interface Contender {
  name: string
  /** The server's own file: it does the work of every scenario and reports through control.ts. */
  file: string
  wire: Wire
}

const file = (name: string): string => `${import.meta.dir}/contenders/${name}.ts`

/** The same work by hand: what the others are compared with. */
export const raw: Contender = { name: 'raw', file: file('raw'), wire: json }

/**
 * The raw server a second time. What it shows against the first is the error of the measurement, as both run the
 * same file.
 */
export const control: Contender = { ...raw, name: 'control' }

/** Whatever is compared with the raw server. */
export const contenders: readonly Contender[] = [{ name: 'partyline', file: file('partyline'), wire: json }]
