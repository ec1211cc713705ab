import { servePage } from '../shared/serve.ts'

/** Serves the page of the channels. */
export const page = servePage(new URL('./page/', import.meta.url), [
  ...['index.html', 'style.css'],
  ...['channels.js', 'line.js'],
])
