/**
 * Messages from one node to all others that want to hear them. At most once: a message reaches who is subscribed when it
 * is sent, and is gone. What has to arrive belongs into a stream.
 */
export interface Messages {
  /**
   * Sends bytes to all other nodes that are subscribed to a channel. They do not come back to this one. Those of one node
   * on one channel arrive in order.
   */
  publish(channel: string, bytes: Uint8Array, options?: ChannelOptions): void
  /**
   * Listens to a channel. Several subscriptions of one node to one channel are one to the broker, which ends with the last
   * of them.
   */
  subscribe(channel: string, subscriber: Subscriber, options?: ChannelOptions): Subscription
}

/** Which channel of a name is meant. */
export interface ChannelOptions {
  /**
   * The channel that other programs know by this very name, and may publish to: whatever bytes they send arrive as they
   * are. Without it, the channel is the nodes' own, and what is not theirs is garbage. The two have nothing in common.
   */
  open?: boolean
}

/** Who listens to a channel. */
export interface Subscriber {
  /** A message came; from that node, or from another program. */
  message(bytes: Uint8Array, from: string | undefined): void
  /**
   * Messages may have been missed: the connection was lost, and the subscription has just been restored. What is known of
   * others by their messages alone has to be asked for anew.
   */
  gap?(): void
}

/** That somebody listens. */
export interface Subscription {
  /** Resolves when everything that is sent from now on will be heard; never rejects, also when closed before. */
  readonly ready: Promise<void>
  /** Ends it; nothing is called afterwards. */
  close(): void
}
