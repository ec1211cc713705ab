import { hostTests } from './host.ts'

hostTests('Elysia as a guest', { program: 'elysia', platform: 'bun', isGuest: true })
hostTests("Elysia's own server", { program: 'elysia-bun', platform: 'bun' })
