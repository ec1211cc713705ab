import { type App, createApp, Gateway, run } from 'partyline'

@Gateway('/party')
class Party {}

const app = createApp(Party)
export const plain = Bun.serve({ port: 0, fetch: app.fetch, websocket: app.websocket })
export const withRoutes = Bun.serve({
  port: 0,
  routes: { '/about': new Response('about'), '/api/:id': (request) => Response.json(request.params.id) },
  fetch: app.fetch,
  websocket: app.websocket,
})
export const wrapped = Bun.serve({
  port: 0,
  fetch(request, server) {
    if (new URL(request.url).pathname === '/mine') return new Response('mine')
    return app.fetch(request, server)
  },
  websocket: app.websocket,
})
export const any: App = app
void run(app)
