import { servePage } from '../shared/serve.ts'

/** Serves the page of the chat. */
export const page = servePage(new URL('./page/', import.meta.url), [
  ...['index.html', 'style.css'],
  ...['chat.js', 'rooms.js'],
])
