import { type App, type AppOptions, type Broker, createApp, Module, memory } from 'partyline'
import { ChannelsGateway } from './channels.gateway.ts'
import { PeopleModule } from './people/people.module.ts'
import { BROKER } from './people/sign-ins.ts'
import { Routes } from './routes.ts'

@Module({ imports: [PeopleModule], gateways: [ChannelsGateway], providers: [Routes] })
export class ChannelsModule {}

export interface ChannelsOptions extends Omit<AppOptions, 'broker' | 'fetch' | 'publish'> {
  /** What joins this process with others, and has the kept messages and who is signed in. Default: this process's memory. */
  broker?: Broker | undefined
  /** By which programs may publish at `/publish`. Without one, none may. */
  publishKey?: string | undefined
}

/** The channels with their page and routes. */
export function createChannels({ broker = memory(), publishKey, ...options }: ChannelsOptions = {}): App {
  const app = createApp(ChannelsModule, {
    ...options,
    broker,
    providers: [{ provide: BROKER, useValue: broker }, ...(options.providers ?? [])],
    fetch: (request) => app.get(Routes).answer(request),
    ...(publishKey !== undefined && { publish: { key: publishKey } }),
  })
  return app
}
