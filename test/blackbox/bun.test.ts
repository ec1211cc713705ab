import { blackBox } from './suite.ts'

blackBox('Bun')
