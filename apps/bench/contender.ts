import { json, type Wire } from './load/wire.ts'
import type { Platform } from './platform.ts'

/** What a server of its own is for: `guarded` does that scenario's work, `limited` has the default limits. */
export type Variant = 'guarded' | 'limited'

/** A server that the bench can start, and how to talk to it. */
export interface Contender {
  name: string
  /** The server's own file: it does the work of every scenario and reports through control.ts. */
  file: string
  /** Servers for scenarios that need one of their own, in place of `file`. */
  variants?: Partial<Record<Variant, string>>
  wire: Wire
  /** What it runs on. Default Bun. */
  platform?: Platform
}

const file = (name: string): string => `${import.meta.dir}/contenders/${name}.ts`

/** The same work by hand: what the others are compared with. */
export const raw: Contender = {
  name: 'raw',
  file: file('raw'),
  variants: { guarded: file('guarded-raw') },
  wire: json,
}

/**
 * The raw server a second time. What it shows against the first is the error of the measurement, as both run the
 * same file.
 */
export const control: Contender = { ...raw, name: 'control' }

/** Whatever is compared with the raw server. */
export const contenders: readonly Contender[] = [
  {
    name: 'partyline',
    file: file('partyline'),
    variants: { guarded: file('guarded-partyline'), limited: file('limited-partyline') },
    wire: json,
  },
]

/** Raw server, contenders and control on another runtime than Bun; nothing there has variants. */
export function on(platform: Platform): {
  raw: Contender
  contenders: readonly Contender[]
  control: Contender
} {
  if (platform === 'bun') return { raw, contenders, control }
  const base: Contender = { name: `raw ${platform}`, file: file(`raw-${platform}`), wire: json, platform }
  const own = contenders.map(({ name, file, wire }) => ({
    name: `${name} on ${platform}`,
    file,
    wire,
    platform,
  }))
  return { raw: base, contenders: own, control: { ...base, name: 'control' } }
}

/** The server's file for a scenario that asks for a variant; the usual one where there is none. */
export function fileOf({ file, variants }: Contender, variant?: Variant): string {
  return (variant && variants?.[variant]) ?? file
}
