/** Bytes: on the servers that `listen` starts, requests with longer bodies are answered 413. */
export const MAX_REQUEST_BODY: number = 16 * 1024 * 1024

/** What is said of a body that is too long; nothing more is read of it. */
export function tooLong(): Response {
  return new Response(null, { status: 413, headers: { connection: 'close' } })
}

/** Whether a request says by itself that its body is too long. */
export function saysTooLong(contentLength: string | null | undefined): boolean {
  return Number(contentLength ?? 0) > MAX_REQUEST_BODY
}

/** A body whose length nobody says beforehand: it fails where it goes beyond the limit. */
export class LimitedBody {
  readonly stream: ReadableStream<Uint8Array>
  /** Whether it went beyond. */
  isTooLong = false

  constructor(body: ReadableStream<Uint8Array>) {
    let size = 0
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        size += chunk.byteLength
        if (size <= MAX_REQUEST_BODY) return controller.enqueue(chunk)
        this.isTooLong = true
        controller.error(new RangeError(`the body of the request is longer than ${MAX_REQUEST_BODY} bytes`))
      },
    })
    this.stream = body.pipeThrough(counter)
  }
}
