import { SoakClient } from './client.ts'
import { hostilities } from './hostile.ts'

// Holds the connections of those who vanish: the soak stops this process once they are open.

const [port, count] = process.argv.slice(2).map(Number) as [number, number]

const clients: SoakClient[] = []
for (const { name, greeted, begin } of hostilities) {
  if (begin !== undefined) continue
  for (let n = 0; n < count; n++) clients.push(await SoakClient.open(port, name, greeted))
}
// Something is on its way to each of them when they are gone.
for (const client of clients) client.send('{"event":"large","id":1}')
process.on('disconnect', () => process.exit())
process.send?.('ready')
