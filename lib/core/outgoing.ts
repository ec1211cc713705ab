import { type AnyEvent, nameOf, type Schema } from '../protocol/event.ts'
import { type EventFrame, eventFrame } from '../protocol/frame.ts'
import { parse, unfit } from './pipeline.ts'
import { isThenable } from './thenable.ts'

/**
 * The frame of an event that is sent, held against its descriptor where the app says so. Schemas that take their time
 * are not waited for: emitting does not wait.
 *
 * @throws TypeError for what does not fit: no client is to blame.
 */
export function outgoing(event: AnyEvent, args: readonly unknown[], isChecked: boolean): EventFrame {
  if (isChecked && typeof event !== 'string') {
    const { data, args: list } = event.shape
    if (list !== undefined) hold(list, args, event.name)
    else if (data !== undefined) hold(data, args[0], event.name)
  }
  return eventFrame(nameOf(event), args)
}

function hold(schema: Schema, value: unknown, name: string): void {
  const parsed = parse(schema, value, `emit of "${name}" with what its schema refuses`, unfit)
  if (isThenable(parsed)) Promise.resolve(parsed).catch(() => {})
}
