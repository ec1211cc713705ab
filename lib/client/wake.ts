/** Whether the browser knows that there is no network. Elsewhere nobody knows, and trying is the only way. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false
}

/** Calls when there is reason to hope: the browser is online again, or its tab is looked at again. Returns how to stop. */
export function onWake(wake: () => void): () => void {
  const hear = ({ type }: Event): void => {
    if (type !== 'visibilitychange' || document.visibilityState === 'visible') wake()
  }
  const all = (method: 'addEventListener' | 'removeEventListener'): void => {
    // The last is told to the document, and to the window after it.
    for (const type of ['online', 'pageshow', 'visibilitychange']) globalThis[method]?.(type, hear)
  }
  all('addEventListener')
  return () => all('removeEventListener')
}
