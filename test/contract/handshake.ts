import { expect, test } from 'bun:test'
import { Gateway, On } from 'partyline'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { knock, refusal } from './knock.ts'
import type { Start } from './start.ts'

const gate = { current: new Gate() }

@Gateway('/gate')
class Gated {
  @On() wait() {
    return gate.current.pass()
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {}

export function handshake(start: Start): void {
  test('where there is no gateway, a handshake is refused with 404', async () => {
    const { status, body } = await knock(await start(Gated), '/nowhere')
    expect(status).toBe(404)
    expect(body).toEqual(refusal('NOT_FOUND', 'no gateway at /nowhere'))
  })

  test('a plain GET of a gateway is answered with 426', async () => {
    const { fetch } = await start(Gated)
    const response = await fetch('/gate')
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(await response.json()).toEqual(refusal('UPGRADE_REQUIRED', '/gate is a WebSocket gateway'))
  })

  test('a handshake by another method is refused with 405', async () => {
    const { status, headers, body } = await knock(await start(Gated), '/gate', { method: 'POST' })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET')
    expect(body).toEqual(refusal('METHOD_NOT_ALLOWED', 'a WebSocket handshake is a GET request'))
  })

  test.each(['12', '', 'thirteen'])(
    'another version of WebSocket is refused with 426: "%s"',
    async (version) => {
      const { status, headers, body } = await knock(await start(Gated), '/gate', {
        'sec-websocket-version': version,
      })
      expect(status).toBe(426)
      expect(headers.get('sec-websocket-version')).toBe('13')
      expect(body).toEqual(refusal('UPGRADE_REQUIRED', 'this server speaks version 13 of WebSocket'))
    },
  )

  test.each(['', 'short', 'dGhlIHNhbXBsZSBub25jZQ', 'x'.repeat(24)])(
    'a handshake with a bad key is refused with 400: "%s"',
    async (key) => {
      const { status, body } = await knock(await start(Gated), '/gate', { 'sec-websocket-key': key })
      expect(status).toBe(400)
      expect(body).toEqual(refusal('BAD_HANDSHAKE', 'Sec-WebSocket-Key is missing or not 16 bytes in base64'))
    },
  )

  test('who offers only unknown subprotocols is refused with 400, and told which are known', async () => {
    const app = await start([Gated, Raw])
    const offer = { 'sec-websocket-protocol': 'soap, partyline.json.v2' }
    expect(await knock(app, '/gate', offer)).toMatchObject({
      status: 400,
      body: refusal('UNKNOWN_SUBPROTOCOL', 'this gateway speaks partyline.json.v1'),
    })
    expect(await knock(app, '/raw', offer)).toMatchObject({
      status: 400,
      body: refusal('UNKNOWN_SUBPROTOCOL', 'this gateway speaks no subprotocol'),
    })
  })

  test('while the app goes away, a handshake is refused with 503', async () => {
    gate.current = new Gate()
    const running = await start(Gated)
    const client = await running.connect('/gate')
    client.send('{"event":"wait","id":1}')
    await until(() => gate.current.arrived === 1, 'the handler')
    const stopped = running.app.stop()
    const { status, headers, body } = await knock(running, '/gate')
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toEqual(refusal('UNAVAILABLE', 'the server is going away'))
    gate.current.open()
    await stopped
  })

  test('a refused handshake leaves no socket behind', async () => {
    const running = await start(Gated)
    await knock(running, '/gate', { 'sec-websocket-version': '8' })
    expect(running.app.sockets.size).toBe(0)
    const health = await running.fetch('/healthz')
    expect(await health.json()).toEqual({ status: 'ok', connections: 0 })
  })
}
