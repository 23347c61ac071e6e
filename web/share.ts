import type { TextFile } from './engine/protocol.js'
import { pack, unpack } from './packed.js'
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

const write = async (state: Shared): Promise<string> => PREFIX + (await pack(JSON.stringify(state)))

/** The state as a URL fragment, which browsers never send. Undefined where it is too long. */
export async function writeFragment(state: Shared): Promise<string | undefined> {
  const fragment = await write(state)
  return fragment.length > LONGEST ? undefined : fragment
}

/** What a fragment holds; undefined where it is none of ours, or damaged. */
export async function readFragment(fragment: string): Promise<Shared | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined
  try {
    return checked(JSON.parse(await unpack(fragment.slice(PREFIX.length))))
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

/** The place in a page of one file that holds its state. */
const STATE = 'state'

/** The state within this page; undefined: it is no page of one file, or an empty one. */
export const stateWithin = async (): Promise<Shared | undefined> =>
  readFragment(document.getElementById(STATE)?.textContent ?? '')

/** The page as one file, with a state in it. */
export async function writePage(state: Shared): Promise<string> {
  const page = document.getElementById(STATE) ? thisPage() : await (await fetch('./single.html')).text()
  const place = `id="${STATE}">`
  if (!page.includes(place)) throw new Error('the page in one file is not there')
  const written = await write(state)
  return page.replace(place, () => place + written)
}

/** As it was before it ran. */
function thisPage(): string {
  const copy = document.documentElement.cloneNode(true) as HTMLElement
  for (const id of ['app', STATE]) copy.querySelector(`#${id}`)?.replaceChildren()
  delete copy.dataset['theme']
  return `<!doctype html>\n${copy.outerHTML}`
}
