import { hostTests } from './host.ts'

hostTests('Express', { program: 'express', platform: 'node' })
