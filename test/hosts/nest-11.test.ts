import { nestTests } from './nest.ts'

nestTests(11, 'node')
nestTests(11, 'bun')
