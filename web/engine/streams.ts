/** In place of Node's `stream/web`: browsers have it without asking. */
export const { ReadableStream } = globalThis
