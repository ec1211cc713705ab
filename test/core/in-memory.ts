import { expect } from 'bun:test'
import { type AppOptions, BootError, type Root } from 'partyline'
import { App } from '../../lib/core/app.ts'
import { type MemoryOptions, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { Client } from '../contract/client.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger, type Entry } from '../support/logger.ts'

/** An app in memory whose clock stands still, and what it logs. */
export interface Started {
  app: App<MemoryRuntime>
  clock: HandClock
  connect(path: string): Promise<Client>
  /** What the app has logged since the last time. */
  logged(): Entry[]
}

const started: Started[] = []

/** Puts an app together, and does not start it. */
export function put(
  root: Root,
  options: Omit<AppOptions, 'logger' | 'clock'> = {},
  runtime: MemoryOptions = {},
): Started {
  const log = new CollectingLogger()
  const clock = new HandClock()
  const app = new App(root, { ...options, logger: log, clock }, (host) => new MemoryRuntime(host, runtime))
  const one: Started = {
    app,
    clock,
    logged: () => log.take(),
    async connect(path) {
      const line = await app.runtime.connect(path)
      if (line instanceof Response) throw new Error(`refused with ${line.status}: ${await line.text()}`)
      return new Client(line)
    },
  }
  started.push(one)
  return one
}

/** Puts an app together and builds what lives as long as it. */
export async function start(
  root: Root,
  options: Omit<AppOptions, 'logger' | 'clock'> = {},
  runtime: MemoryOptions = {},
): Promise<Started> {
  const one = put(root, options, runtime)
  await one.app.ready()
  return one
}

/** For `afterEach`: stops the apps, which must by then have logged nothing that the test did not take. */
export async function finish(): Promise<void> {
  for (const { app, logged } of started.splice(0)) {
    await app.stop()
    expect(logged()).toEqual([])
  }
}

/** What is wrong with an app, as its `BootError` lists it. */
export function mistakesIn(root: Root, options: AppOptions = {}): readonly string[] {
  try {
    new App(root, options, (host) => new MemoryRuntime(host))
  } catch (error) {
    if (error instanceof BootError) return error.problems
    throw error
  }
  return []
}

/** The mistake that shows only when the app's instances are built. */
export async function mistakeAtStart(root: Root, options: AppOptions = {}): Promise<string> {
  const app = new App(root, { ...options, clock: new HandClock() }, (host) => new MemoryRuntime(host))
  const error = await app.ready().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BootError)
  return (error as BootError).message
}
