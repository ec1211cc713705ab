import { nestTests } from './nest.ts'

nestTests(12, 'node')
nestTests(12, 'bun')
