import { afterEach, expect, test } from 'bun:test'
import { createApp, Gateway, NodeRuntime } from 'partyline'

// Where the package cannot serve: it says so when the app is made, and with which command it would.

@Gateway('/party')
class Party {}

const { versions } = process
const browserName = navigator.userAgent
afterEach(() => pretend(versions, browserName))

/** Has this process say that it is of these versions, and goes by this name. */
function pretend(versions: object, userAgent: string): void {
  Object.defineProperty(process, 'versions', { value: versions, configurable: true })
  Object.defineProperty(navigator, 'userAgent', { value: userAgent, configurable: true })
}

const refusal = (message: string) => expect.objectContaining({ code: 'UNSUPPORTED_RUNTIME', message })

test.each([
  [{ bun: '1.3.9', node: '24.3.0' }, 'Partyline needs Bun 1.4 or later, and this is 1.3.9: bun upgrade'],
  [{ node: '18.20.8' }, 'Partyline needs Node 20.19 or later, and this is 18.20.8: nvm install --lts'],
])('%j is too old for an app that is made for node:http, too', (versions, line) => {
  pretend(versions, browserName)
  expect(() => createApp(Party, { runtime: NodeRuntime })).toThrow(refusal(line))
})

test.each([
  ['a worker of Cloudflare, which says that it is Node', { node: '22.23.4' }, 'Cloudflare-Workers'],
  ['one that says nothing of Node', {}, 'Cloudflare-Workers'],
])('%s is named', (_, versions, name) => {
  pretend(versions, name)
  const line =
    'Partyline runs on Bun 1.4, Deno 2.8, Node 20.19 and later, and this is none of them: it is Cloudflare-Workers. ' +
    'Start it with one of: bun, deno, node'
  expect(() => createApp(Party)).toThrow(refusal(line))
})

test('anything else is told what would do', () => {
  pretend({}, 'Mozilla/5.0')
  const line =
    'Partyline runs on Bun 1.4, Deno 2.8, Node 20.19 and later, and this is none of them. ' +
    'Start it with one of: bun, deno, node'
  expect(() => createApp(Party)).toThrow(refusal(line))
})
