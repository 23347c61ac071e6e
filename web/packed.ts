/** Text as short as it gets, in letters that no address and no HTML minds: raw deflate (RFC 1951), base64url (RFC 4648). */
export async function pack(text: string): Promise<string> {
  const bytes = await pipe(new TextEncoder().encode(text), new CompressionStream('deflate-raw'))
  // an argument list has its limits
  const parts = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, i) =>
    String.fromCharCode(...bytes.subarray(i * PART, (i + 1) * PART)),
  )
  return btoa(parts.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

const PART = 0x2000

/** Throws where it was not packed, or was damaged since. */
export async function unpack(packed: string): Promise<string> {
  const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  return new TextDecoder().decode(await pipe(bytes, new DecompressionStream('deflate-raw')))
}

async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  through: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(through)
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
