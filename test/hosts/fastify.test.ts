import { hostTests } from './host.ts'

hostTests('Fastify', { program: 'fastify', platform: 'node' })
