import { program } from './clients/programs.ts'
import { clientTests } from './clients/suite.ts'

clientTests('Node', () => program('node'))
