import { hostTests } from './host.ts'

hostTests('Hono as a guest, on Bun', { program: 'hono', platform: 'bun', isGuest: true })
hostTests('Hono as a guest, on Deno', { program: 'hono', platform: 'deno', isGuest: true })
hostTests('Hono as a guest, on Node', { program: 'hono', platform: 'node', isGuest: true })
hostTests("Hono's own server on Node", { program: 'hono-node', platform: 'node' })
