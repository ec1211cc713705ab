import { hostTests } from './host.ts'

hostTests('node:http by hand', { program: 'node', platform: 'node' })
