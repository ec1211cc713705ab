import { run } from 'partyline'
import { brokerHere } from '../shared/environment.ts'
import { createChannels } from './app.ts'

await run(createChannels({ broker: brokerHere(), publishKey: process.env.PUBLISH_KEY || undefined }))
