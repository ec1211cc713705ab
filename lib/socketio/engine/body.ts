/** The body of a request, read as it comes, and no further than a limit. */
export class PostedBody {
  readonly #request: Request
  readonly #limit: number
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(request: Request, limit: number) {
    this.#request = request
    this.#limit = limit
  }

  /**
   * Its text. Where there is none: `'too large'` as soon as that is known, `'no text'` for what is no UTF-8 (section "Packet
   * encoding"), `'broken off'` where the rest does not come. Never rejects.
   */
  async read(): Promise<{ text: string } | 'too large' | 'no text' | 'broken off'> {
    const { body, headers } = this.#request
    if (Number(headers.get('content-length') ?? 0) > this.#limit) return 'too large'
    if (body === null) return { text: '' }
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    let [text, size] = ['', 0]
    try {
      this.#reader = body.getReader()
      for (;;) {
        const { done, value } = await this.#reader.read()
        if (done) break
        size += value.byteLength
        if (size > this.#limit) {
          this.cancel()
          return 'too large'
        }
        text += decode(decoder, value)
      }
      return { text: text + decode(decoder) }
    } catch (error) {
      if (!(error instanceof NoText)) return 'broken off'
      this.cancel()
      return 'no text'
    }
  }

  /** Reads no more of it; `read` then resolves to whatever there is. */
  cancel(): void {
    // What becomes of the rest is the runtime's business.
    this.#reader?.cancel().catch(() => {})
  }
}

class NoText extends Error {}

/** @throws NoText, and nothing else: what the decoder throws, a broken stream may throw too. */
function decode(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw new NoText()
  }
}
