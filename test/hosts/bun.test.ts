import { hostTests } from './host.ts'

hostTests('Bun.serve by hand', { program: 'bun', platform: 'bun' })
