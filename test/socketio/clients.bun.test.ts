import { program } from './clients/programs.ts'
import { clientTests } from './clients/suite.ts'

clientTests('Bun', () => program(process.execPath))
