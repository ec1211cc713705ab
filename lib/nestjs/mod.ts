export type { PartylineModuleAsyncOptions, PartylineModuleOptions } from './options.ts'
export { PartylineModule } from './partyline.module.ts'
export { PARTYLINE } from './tokens.ts'
