import type { Node, Redis } from './network.ts'

/** What there is to break. */
export interface Place {
  redis: Redis
  nodes: readonly [Node, Node, Node]
}

/** What can happen, in the order of the table. */
export const faults = {
  async nothing() {
    await Bun.sleep(5_000)
  },

  async 'Redis restarted'({ redis }) {
    await redis.crash()
    await Bun.sleep(500)
    await redis.run()
  },

  async 'Redis away for 20 s'({ redis }) {
    await redis.crash()
    await Bun.sleep(20_000)
    await redis.run()
  },

  async 'Redis paused for 10 s'({ redis }) {
    redis.signal('SIGSTOP')
    await Bun.sleep(10_000)
    redis.signal('SIGCONT')
  },

  async "Redis's connections killed"({ redis }) {
    for (let i = 0; i < 3; i++) {
      for (const type of ['normal', 'pubsub']) await redis.ask('CLIENT', 'KILL', 'TYPE', type).catch(() => {})
      await Bun.sleep(1_000)
    }
  },

  async 'a node killed (SIGKILL)'({ nodes: [node] }) {
    node.signal('SIGKILL')
    await node.untilGone()
    await Bun.sleep(10_000)
    await node.run()
  },

  async 'a node frozen for 10 s (SIGSTOP), and woken'({ nodes: [node] }) {
    node.signal('SIGSTOP')
    await Bun.sleep(10_000)
    node.signal('SIGCONT')
  },

  async 'a node cut from Redis for 3 s'({ nodes: [node] }) {
    node.redis.stall()
    await Bun.sleep(3_000)
    node.redis.restore()
  },

  async 'a node cut from Redis for 15 s'({ nodes: [node] }) {
    node.redis.refuse()
    await Bun.sleep(15_000)
    node.redis.restore()
  },

  async 'rolling restart of three nodes'({ nodes }) {
    for (const node of nodes) {
      node.signal('SIGTERM')
      await node.untilGone()
      await node.run()
      await Bun.sleep(2_000)
    }
  },
} satisfies Record<string, (place: Place) => Promise<void>>

export type Fault = keyof typeof faults
