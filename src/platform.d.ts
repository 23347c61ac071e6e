/** What both browsers and Node 20 have, and `lib: ES2023` alone does not declare. Nothing else may be added here. */
declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean })
  decode(bytes: Uint8Array): string
}
declare class ReadableStream<T = unknown> {
  readonly of: T
}
declare class Response {
  constructor(body: Uint8Array | ReadableStream<Uint8Array>)
  readonly body: ReadableStream<Uint8Array> | null
  arrayBuffer(): Promise<ArrayBuffer>
}
