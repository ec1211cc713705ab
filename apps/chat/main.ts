import { run } from 'partyline'
import { brokerHere } from '../shared/environment.ts'
import { createChat } from './app.ts'

await run(createChat({ broker: brokerHere('chat') }))
