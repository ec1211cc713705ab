import { expect, test } from 'bun:test'
import { memory } from '../../lib/broker/memory.ts'
import { createPublisher } from '../../lib/channels/create-publisher.ts'
import { CollectingLogger } from '../support/logger.ts'

const log = new CollectingLogger()

test('a publisher hands events for rooms to what reaches them', async () => {
  const sent: unknown[] = []
  const broker = memory()
  const publisher = createPublisher({ broker, log }, (given) => {
    expect(given).toBe(broker)
    return { emit: (...args) => sent.push(args) }
  })
  const chat = publisher.to('/chat')
  const lobby = chat.room('lobby')
  lobby.room('hall', 'yard').emit('said', 1, 'two')
  lobby.emit('rang')
  chat.emit('closing')
  chat.room().emit('nobody')
  expect(sent).toEqual([
    ['/chat', ['lobby', 'hall', 'yard'], 'said', [1, 'two']],
    ['/chat', ['lobby'], 'rang', []],
    ['/chat', undefined, 'closing', []],
    ['/chat', [], 'nobody', []],
  ])
  await publisher.close()
})

test('a publisher that reaches none says so', async () => {
  const publisher = createPublisher({ broker: memory(), log })
  expect(() => publisher.to('/chat')).toThrow('this publisher does not reach the sockets of gateways')
  await publisher.close()
})
