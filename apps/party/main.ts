import { createApp, run } from 'partyline'
import { page } from './page.ts'
import { PartyGateway } from './party.gateway.ts'

await run(createApp(PartyGateway, { fetch: page, clientScript: true }))
