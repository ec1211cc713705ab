import { blackBox } from './suite.ts'

blackBox('Node')
