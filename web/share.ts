import type { TextFile } from './engine/protocol.js'
import { SAMPLES, type SampleName } from './samples.js'

export type Shared = ({ readonly sample: SampleName } | { readonly files: readonly TextFile[] }) & {
  readonly line: string
  readonly at: number
  /** Of the console. */
  readonly commands: readonly string[]
}

/** Longer links are refused by some programs that people paste them into. */
const LONGEST = 100_000
const PREFIX = '#w1='

/** The state as a URL fragment, which browsers never send: JSON, raw deflate (RFC 1951), base64url. Undefined where it is too long. */
export async function writeFragment(state: Shared): Promise<string | undefined> {
  const text = await pipe(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream('deflate-raw'))
  let binary = ''
  for (const byte of text) binary += String.fromCharCode(byte)
  const fragment = PREFIX + btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return fragment.length > LONGEST ? undefined : fragment
}

/** What a fragment holds; undefined where it is none of ours, or damaged. */
export async function readFragment(fragment: string): Promise<Shared | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined
  try {
    const binary = atob(fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return sharedOf(new TextDecoder().decode(await pipe(bytes, new DecompressionStream('deflate-raw'))))
  } catch {
    return undefined
  }
}

/** A state that was written as JSON; undefined where it is none. */
export function sharedOf(text: string): Shared | undefined {
  try {
    return checked(JSON.parse(text))
  } catch {
    return undefined
  }
}

function checked(value: unknown): Shared | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { sample, files, line, at, commands } = value as Readonly<Record<string, unknown>>
  if (typeof line !== 'string' || typeof at !== 'number') return undefined
  if (!Array.isArray(commands) || !commands.every((one) => typeof one === 'string')) return undefined
  const name = SAMPLES.find((one) => one === sample)
  if (name) return { sample: name, line, at, commands }
  const ok = (file: unknown): file is TextFile =>
    typeof (file as TextFile | null)?.path === 'string' && typeof (file as TextFile).text === 'string'
  return Array.isArray(files) && files.every(ok) ? { files, line, at, commands } : undefined
}

async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  through: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(through)
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
