import { expect, test } from 'bun:test'
import { settle, told, World } from './engine-world.ts'

test('who never comes for its last packets keeps nobody out', async () => {
  const world = new World({ maxSessions: 3 })
  const sids = [await world.begin(), await world.begin(), await world.begin()]
  const full = await told(world.ask('EIO=4&transport=polling'))
  expect(full).toEqual([503, '{"code":4,"message":"the server is full"}'])
  for (const { socket } of world.seen) socket.close()
  expect(world.server.size).toBe(3)
  const fourth = await world.begin()
  // The one that ended first is forgotten, and the others may still come.
  expect((await world.poll(sids[0] as string)).status).toBe(400)
  expect(await told(world.poll(sids[1] as string))).toEqual([200, '1'])
  expect(await told(world.poll(sids[2] as string))).toEqual([200, '1'])
  world.last.socket.close()
  expect(await told(world.poll(fourth))).toEqual([200, '1'])
  world.expectNothingLeft()
})

test('a POST that is held back has the runtime wait for it', async () => {
  const world = new World({}, ({ socket, messages }) => {
    if (messages.length === 1) socket.pause()
  })
  const sid = await world.begin()
  let holds = 0
  const answer = told(world.post(sid, '4a\x1e4b', { hold: () => void holds++ }))
  await settle()
  expect([holds, world.last.messages]).toEqual([1, ['a']])
  world.last.socket.resume()
  expect(await answer).toEqual([200, 'ok'])
  await world.post(sid, '4c', { hold: () => void holds++ })
  expect([holds, world.last.messages]).toEqual([1, ['a', 'b', 'c']])
})
