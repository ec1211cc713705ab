import type { Entry, Slice } from '../broker/streams.ts'
import { readTag } from './content.ts'
import { ChannelMessage } from './message.ts'
import type { Channel } from './names.ts'

/** An entry as a message. */
export function messageOf(channel: Channel, { bytes, tag, position }: Entry): ChannelMessage {
  return new ChannelMessage(channel, { bytes, kind: readTag(tag).kind }, position)
}

/** The value of a channel, where another program has set it. */
export function foreignOf(channel: Channel, { kept }: Slice): ChannelMessage | undefined {
  if (kept === undefined || kept.position !== undefined) return undefined
  return new ChannelMessage(channel, { bytes: kept.bytes, kind: 'unknown' }, undefined)
}

/** The retained message of a channel: its value, whoever has set it, for as long as it is there. */
export function retainedOf(channel: Channel, slice: Slice): ChannelMessage | undefined {
  const { kept, entries } = slice
  if (kept?.position === undefined) return foreignOf(channel, slice)
  const entry = entries.find(({ position }) => position === kept.position)
  if (entry !== undefined) return messageOf(channel, entry)
  return new ChannelMessage(channel, { bytes: kept.bytes, kind: 'unknown' }, kept.position)
}

/**
 * What is kept of a channel for who comes anew, at most so many, the oldest first. The newest of it is the value of the channel's
 * name: another program may have set or deleted that.
 */
export function historyOf(channel: Channel, slice: Slice, history: number): ChannelMessage[] {
  if (history === 0) return []
  const retained = retainedOf(channel, slice)
  if (history === 1) return retained === undefined ? [] : [retained]
  // The newest entry counts as long as its value is there; one that is older has none.
  const newest = retained?.position === undefined ? slice.last : retained.position
  const older = slice.entries.filter(({ position }) => position < newest)
  // A value of another program's came after all entries.
  const isForeign = retained !== undefined && retained.position === undefined
  const before = isForeign ? slice.entries : older
  const messages = before.map((entry) => messageOf(channel, entry))
  return [...messages, ...(retained === undefined ? [] : [retained])].slice(-history)
}
