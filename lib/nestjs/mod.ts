export { PartylineModule } from './module.ts'
export type { PartylineModuleAsyncOptions, PartylineModuleOptions } from './options.ts'
export { PARTYLINE } from './tokens.ts'
