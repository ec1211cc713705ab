/**
 * The address to connect to: http is taken for ws, and in a browser a path for one at the page's own server.
 *
 * @throws TypeError for what leads to no WebSocket server.
 */
export function addressOf(url: string | URL): string {
  const address = new URL(url, globalThis.location?.href)
  address.protocol = address.protocol.replace('http', 'ws')
  address.hash = ''
  if (!/^wss?:/.test(address.href)) throw new TypeError(`"${url}" is no address of http, https, ws or wss`)
  return address.href
}
