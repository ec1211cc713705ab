import { Client } from '../contract/client.ts'
import { connect } from '../contract/network.ts'
import { WireClient } from '../support/tcp.ts'
import type { Program } from './program.ts'

/** The headers of an opening handshake. */
const opening = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** A program that serves, and the ways to it from outside: plain WebSocket and fetch. */
export class Served {
  readonly program: Program
  readonly #place: { port: number; host: string }
  readonly #address: string

  constructor(program: Program, port: number) {
    this.program = program
    this.#place = { port, host: 'localhost' }
    this.#address = `localhost:${port}`
  }

  async connect(path: string, headers?: Record<string, string>): Promise<Client> {
    return new Client(await connect(`ws://${this.#address}${path}`, { headers }))
  }

  /** Connects somebody who answers nothing, not even a close. */
  connectMute(path: string): Promise<WireClient> {
    return WireClient.open(this.#place, path)
  }

  /** Asks for a connection, where none is to be had; returns the refusal. */
  knock(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#fetch(path, { headers: { ...opening, ...headers } })
  }

  get(path: string): Promise<Response> {
    return this.#fetch(path)
  }

  /** Sends a text. */
  post(path: string, body: string): Promise<Response> {
    return this.#fetch(path, { method: 'POST', body, headers: { 'content-type': 'text/plain' } })
  }

  #fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://${this.#address}${path}`, init)
  }
}
