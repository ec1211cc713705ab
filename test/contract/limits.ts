import { expect, test } from 'bun:test'
import { type CloseReason, Gateway, On, OnClose, type Socket } from 'partyline'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

/** A frame of exactly so many bytes. */
function frameOf(bytes: number): string {
  const frame = '{"event":"size","data":"","id":1}'
  return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`)
}

/** An array in arrays, so many deep in all. */
function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

export function limits(start: Start): void {
  test('a message as large as the limit is read, a larger one closes its connection with 1009, and no other', async () => {
    const reasons: CloseReason[] = []

    @Gateway('/limited')
    class Limited {
      @On() size(_: Socket, text: string) {
        return text.length
      }

      @OnClose() closed(_: Socket, reason: CloseReason) {
        reasons.push(reason)
      }
    }

    const { connect } = await start(Limited, { limits: { payload: 1_000 } })
    const [large, other] = [await connect('/limited'), await connect('/limited')]
    expect(await large.ask(frameOf(1_000))).toBe('{"ack":1,"data":967}')
    large.send(frameOf(1_001))
    await large.closed()
    await until(() => reasons.length === 1, '@OnClose')
    expect(reasons[0]?.code).toBe(1_009)
    expect(await other.ask(frameOf(33))).toBe('{"ack":1,"data":0}')
  })

  test('a message nested as deep as the limit is read, a deeper one is malformed', async () => {
    @Gateway('/limited')
    class Limited {
      @On() deep() {}
    }

    const { connect } = await start(Limited, { limits: { depth: 5 } })
    const client = await connect('/limited')
    expect(await client.ask(`{"event":"deep","data":${nested(4)},"id":1}`)).toBe('{"ack":1}')
    expect(await client.ask(`{"event":"deep","data":${nested(5)},"id":2}`)).toBe(
      '{"ack":2,"error":{"code":"MALFORMED_FRAME","message":"nested deeper than 5 levels"}}',
    )
  })
}
