export type { NodeAddressMap, RedisClientSettings, RedisOptions } from './options.ts'
export { redis } from './redis.ts'
