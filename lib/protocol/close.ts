/** Close codes, and whether a client should come back after each. */
export const closeCodes = {
  /** Done; nobody expects more. */
  normal: { code: 1000, reconnect: false },
  /** The server is going away. */
  goingAway: { code: 1001, reconnect: true },
  /** A text frame that is no UTF-8. */
  invalidText: { code: 1007, reconnect: false },
  /** A rule was broken: a slow consumer, too many violations. */
  policy: { code: 1008, reconnect: true },
  /** A message larger than the server takes. */
  tooBig: { code: 1009, reconnect: false },
  /** The server failed, for example in `@OnOpen`. */
  internal: { code: 1011, reconnect: true },
  /** For applications: the server restarts. */
  restart: { code: 1012, reconnect: true },
  /** For applications: the server has no room now. */
  tryLater: { code: 1013, reconnect: true },
  unauthenticated: { code: 4401, reconnect: false },
  forbidden: { code: 4403, reconnect: false },
  /** Nothing was heard from the other side for too long. */
  heartbeatLost: { code: 4408, reconnect: true },
  /** The session was resumed from elsewhere, or by a later attempt of the same client. */
  takenOver: { code: 4409, reconnect: false },
  /** Went on sending after RATE_LIMITED. */
  rate: { code: 4429, reconnect: true },
} as const

/** How a connection ended, as `@OnClose` and the `disconnected` signal see it. */
export interface CloseReason {
  /** The close code (RFC 6455, section 7.4); 1006 if the line broke without one. */
  code: number
  /** What the closing side said, possibly empty. */
  reason: string
}
