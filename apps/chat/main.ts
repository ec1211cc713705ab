import { run } from 'partyline'
import { createChat } from './app.ts'

await run(createChat())
