import type { InputFile } from './problem.js'

/** Why an archive cannot be read, in words that follow its name. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

type Format = 'gzip' | 'xz' | 'zip' | 'tar' | 'bzip2' | 'zstd' | '7z'

/** The first bytes of each format (RFC 1952; the xz file format 1.2.1, 2.1.1.1; APPNOTE.TXT 4.3.7; RFC 8878, 3.1.1). */
const MAGIC: readonly (readonly [Format, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
]
const NOT_READ: readonly Format[] = ['bzip2', 'zstd', '7z']

/** The endings of what is unpacked here: a host is called by the name without them. */
export const ARCHIVE_NAME = /\.(tar(\.(gz|xz))?|tgz|txz|zip|gz|xz)$/i

/** Larger files are left out: no command that is read prints as much. */
const MOST_FILE = 256 << 20
const MOST_UNPACKED = 2 ** 31
/** An archive within an archive is unpacked as well, this deep. */
const DEEPEST = 2

const formatOf = (bytes: Uint8Array): Format | undefined =>
  MAGIC.find(([, magic]) => magic.every((byte, i) => bytes[i] === byte))?.[0] ?? (isTar(bytes) ? 'tar' : undefined)

const BLOCK = 512
const CHECKSUM = 148

/** The header's own checksum: the sum of its bytes, those of the checksum taken as blanks (POSIX.1-2017, pax). */
function isTar(bytes: Uint8Array): boolean {
  if (bytes.length < BLOCK || bytes.length % BLOCK !== 0) return false
  const written = /^[\s\0]*([0-7]+)[\s\0]*$/.exec(text(bytes.subarray(CHECKSUM, CHECKSUM + 8)))?.[1]
  if (written === undefined) return false
  const sum = bytes
    .subarray(0, BLOCK)
    .reduce((all, byte, i) => all + (i >= CHECKSUM && i < CHECKSUM + 8 ? 0x20 : byte), 0)
  return Number.parseInt(written, 8) === sum
}

/** Is it an archive, or compressed: something that `unpack` is to be asked for? */
export const isArchive = (bytes: Uint8Array): boolean => formatOf(bytes) !== undefined

/**
 * The files of a .tar, .tar.gz, .tar.xz or .zip (told apart by content) as text, in the order of their paths, which begin with the archive's own. Links,
 * hidden files and what is too large are left out; what is no text comes as an empty one. Rejects with ArchiveError.
 */
export const unpack = (path: string, bytes: Uint8Array): Promise<InputFile[]> => open(path, bytes, 0)

async function open(path: string, bytes: Uint8Array, depth: number): Promise<InputFile[]> {
  const format = formatOf(bytes)
  if (format === undefined || depth > DEEPEST) return [{ path, text: textOf(bytes) }]
  if (NOT_READ.includes(format))
    throw new ArchiveError(`packed with ${format}, which is not read here: unpack it first`)
  let entries: readonly Entry[]
  try {
    if (format === 'gzip' || format === 'xz') {
      const inner = await (format === 'xz' ? unxz(bytes) : gunzip(bytes))
      return formatOf(inner) === undefined
        ? [{ path: path.replace(/\.(gz|xz)$/i, ''), text: textOf(inner) }]
        : await open(path, inner, depth)
    }
    entries = await (format === 'zip' ? unzip(bytes) : untar(bytes))
  } catch (error) {
    throw error instanceof ArchiveError ? error : new ArchiveError(`damaged: ${(error as Error).message}`)
  }
  const files: InputFile[] = []
  for (const { name, data } of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const within = `${path}/${name}`
    files.push(...(isArchive(data) ? await orEmpty(within, data, depth + 1) : [{ path: within, text: textOf(data) }]))
  }
  return files
}

/** An archive within a bundle that cannot be read is no reason to read nothing. */
const orEmpty = (path: string, data: Uint8Array, depth: number): Promise<InputFile[]> =>
  open(path, data, depth).catch(() => [{ path, text: '' }])

interface Entry {
  readonly name: string
  readonly data: Uint8Array
}

const wanted = (name: string, size: number): boolean =>
  size <= MOST_FILE && !name.split('/').some((part) => part.startsWith('.') && part !== '.')

const plain = (name: string): string => name.replace(/^(\.?\/)+/, '')

async function untar(bytes: Uint8Array): Promise<Entry[]> {
  const { unpackTar } = await import('modern-tar')
  const found = await unpackTar(bytes, {
    filter: ({ name, size, type }) => type === 'file' && wanted(name, size),
  })
  return found.flatMap(({ header, data }) => (data ? [{ name: plain(header.name), data }] : []))
}

async function unzip(bytes: Uint8Array): Promise<Entry[]> {
  const { unzipSync } = await import('fflate')
  let sum = 0
  const found = unzipSync(bytes, {
    filter: ({ name, originalSize }) => {
      if (name.endsWith('/') || !wanted(name, originalSize)) return false
      sum += originalSize
      if (sum > MOST_UNPACKED) throw tooLarge()
      return true
    },
  })
  return Object.entries(found).map(([name, data]) => ({ name: plain(name), data }))
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const { Gunzip } = await import('fflate')
  const parts: Uint8Array[] = []
  let sum = 0
  let before = 0
  const gunzip = new Gunzip((part) => {
    sum += part.length
    if (sum > MOST_UNPACKED) throw tooLarge()
    parts.push(part)
  })
  gunzip.onmember = () => {
    before = sum
  }
  gunzip.push(bytes, true)
  // the last member ends with its length (RFC 1952, 2.3.1), which nobody else compares: what is cut off may end like a whole one
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true)
  if (length !== sum - before) throw new ArchiveError('damaged: cut off')
  return joined(parts, sum)
}

async function unxz(bytes: Uint8Array): Promise<Uint8Array> {
  const { XzReadableStream } = await import('xz-decompress')
  return new Uint8Array(
    await new Response(new XzReadableStream(new Response(bytes as Uint8Array<ArrayBuffer>).body!)).arrayBuffer(),
  )
}

const tooLarge = () => new ArchiveError('more than 2 GiB when it is unpacked')

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const LOOKED_AT = 4096
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** What has a zero byte at its beginning is no text. */
export const textOf = (bytes: Uint8Array): string => (bytes.subarray(0, LOOKED_AT).includes(0) ? '' : text(bytes))
