import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { finished, Readable } from 'node:stream'
import type { ApiError } from './api-error.ts'

const jsonType = 'application/json; charset=utf-8'
const textType = 'text/plain; charset=utf-8'

/**
 * The answer to one request. A route sets what is special about it and returns its content: a text is sent as it is, a
 * stream as it comes, anything else as JSON.
 */
export class AdminReply {
  readonly #response: ServerResponse
  readonly #headers: OutgoingHttpHeaders
  #status = 200

  /** `headers`, names in lower case, are those of every answer. */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response
    this.#headers = { ...headers }
  }

  /** Default: 200. */
  code(status: number): this {
    this.#status = status
    return this
  }

  /** Default: JSON, and plain text for a text. */
  type(contentType: string): this {
    return this.header('content-type', contentType)
  }

  /** `name` in lower case; replaces what was set before. */
  header(name: string, value: string): this {
    this.#headers[name] = value
    return this
  }

  /** Sends the head, and leaves all that follows to the caller: what the route returns is not looked at. */
  hijack(headers: Readonly<Record<string, string>>): ServerResponse {
    return this.#response.writeHead(this.#status, { ...this.#headers, ...headers })
  }

  /** True once the head is out: nothing about the answer can be changed any more. */
  get begun(): boolean {
    return this.#response.headersSent
  }

  /** Sends the whole answer. Rejects when a stream fails; when the client goes away, the stream is destroyed. */
  async send(content: unknown): Promise<void> {
    if (content instanceof Readable) return this.#pipe(content)
    const isText = typeof content === 'string'
    const text = isText ? content : JSON.stringify(content)
    this.#headers['content-type'] ??= isText ? textType : jsonType
    this.#headers['content-length'] = Buffer.byteLength(text)
    this.#response.writeHead(this.#status, this.#headers).end(text)
  }

  /** Says why there is no other answer. One that has begun breaks off: nobody may take its part for the whole. */
  async refuse({ status, body }: ApiError): Promise<void> {
    if (this.begun) this.#response.destroy()
    else await this.code(status).type(jsonType).send(body)
  }

  #pipe(stream: Readable): Promise<void> {
    const response = this.#response
    response.statusCode = this.#status
    // The head goes out with the first bytes: until then a failure can still be said.
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value!)
    return new Promise((resolve, reject) => {
      finished(stream, { writable: false }, (error) => {
        if (error) reject(error)
      })
      finished(response, () => {
        stream.destroy()
        resolve()
      })
      stream.pipe(response)
    })
  }
}
