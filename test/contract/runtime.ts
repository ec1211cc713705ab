import { afterEach, describe, expect } from 'bun:test'
import { CollectingLogger } from '../support/logger.ts'
import { acks } from './acks.ts'
import { admission } from './admission.ts'
import { arriving } from './arriving.ts'
import { Client } from './client.ts'
import { counters } from './counters.ts'
import { dialect } from './dialect.ts'
import { emitting } from './emitting.ts'
import { frames } from './frames.ts'
import { handshake } from './handshake.ts'
import { heartbeat } from './heartbeat.ts'
import { http } from './http.ts'
import { isolation } from './isolation.ts'
import { leaving } from './leaving.ts'
import { limits } from './limits.ts'
import { msgpack } from './msgpack.ts'
import { order } from './order.ts'
import { origins } from './origins.ts'
import { paths } from './paths.ts'
import { raw } from './raw.ts'
import { recovery } from './recovery.ts'
import { rooms } from './rooms.ts'
import type { Running, Serve, Start } from './start.ts'
import { stop } from './stop.ts'
import { subprotocols } from './subprotocols.ts'
import { trouble } from './trouble.ts'

/** What every runtime has to do alike, seen from a client. `serve` starts an app on the runtime in question. */
export function runtimeContract(name: string, serve: Serve): void {
  const running: Running[] = []

  const start: Start = async (root, options = {}) => {
    const log = new CollectingLogger()
    const served = await serve(root, { ...options, logger: log })
    const one: Running = {
      app: served.app,
      fetch: served.fetch,
      connect: async (path, options) => new Client(await served.connect(path, options)),
      logged: () => log.take(),
      log,
    }
    running.push(one)
    return one
  }

  describe(name, () => {
    afterEach(async () => {
      const ended = running.splice(0)
      await Promise.all(ended.map(({ app }) => app.stop()))
      expect(ended.flatMap(({ log }) => log.entries)).toEqual([])
    })

    describe('frames', () => frames(start))
    describe('acks', () => acks(start))
    describe('order', () => order(start))
    describe('arriving', () => arriving(start))
    describe('leaving', () => leaving(start))

    describe('trouble of the past', () => trouble(start))
    describe('limits', () => limits(start))
    describe('counters', () => counters(start))
    describe('rooms', () => rooms(start))
    describe('emitting', () => emitting(start))
    describe('apart', () => isolation(start))
    describe('raw gateways', () => raw(start))
    describe('the handshake', () => handshake(start))
    describe('origins', () => origins(start))
    describe('admission', () => admission(start))
    describe('subprotocols', () => subprotocols(start))
    describe('MessagePack', () => msgpack(start))
    describe('heartbeat', () => heartbeat(start))
    describe('recovery', () => recovery(start))
    describe('paths', () => paths(start))
    describe('dialects', () => dialect(start))
    describe('stopping', () => stop(start))
    describe('HTTP', () => http(start))
  })
}
