import { blackBox } from './suite.ts'

blackBox('Deno')
