import { hostTests } from './host.ts'

hostTests('Deno.serve by hand', { program: 'deno', platform: 'deno' })
