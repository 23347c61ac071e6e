/**
 * The engine's sentences by themselves: a sentence is written once, where it is said, and what it looks like there, with its gaps numbered, is its
 * key: `{0} answers on {1}`. An empty translation: a piece that is only ever seen within another sentence.
 */
export type Sentences = Readonly<Record<string, string>>

interface Template {
  /** What stands before, between and behind the gaps. */
  readonly literals: readonly string[]
  readonly gaps: readonly string[]
  readonly said: string
  /** More of the text is its own. */
  readonly weight: number
}

const GAP = /\{(\d)\}/

function templateOf([key, said]: readonly [string, string]): Template {
  const parts = key.split(GAP)
  const literals = parts.filter((_, i) => i % 2 === 0)
  const closed = literals[0] !== '' && literals.at(-1) !== ''
  return {
    literals,
    gaps: parts.filter((_, i) => i % 2 === 1),
    said,
    weight: literals.join('').length + (closed ? CLOSED : 0),
  }
}

/** A sentence with a beginning and an end holds whole others. */
const CLOSED = 1000

/** A sentence of which more than this is its own is no list. */
const MUCH = 12

/** Longer texts are somebody else's: a sentence of ours has an end. */
const LONGEST = 1000
const MOST_KNOWN = 5000

/** Says a sentence of the engine in another language: the one that fits most of it, and the same again for what stands in its gaps. */
export class Phrasebook {
  readonly #whole: ReadonlyMap<string, string>
  readonly #templates: readonly Template[]
  readonly #known = new Map<string, string>()

  /** Earlier books come first. */
  constructor(...books: readonly Sentences[]) {
    const all = books.map((book) => Object.entries(book).filter(([, said]) => said !== ''))
    this.#whole = new Map(all.flat().filter(([key]) => !GAP.test(key)))
    this.#templates = all.flatMap((book) =>
      book
        .filter(([key]) => GAP.test(key))
        .map(templateOf)
        .sort((a, b) => b.weight - a.weight),
    )
  }

  /** As it is where nothing fits: a name, an address, a rule. */
  say(text: string): string {
    if (text.length > LONGEST) return text
    const whole = this.#whole.get(text) ?? this.#known.get(text)
    if (whole !== undefined) return whole
    const said = this.#said(text)
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(text, said)
    return said
  }

  #said(text: string): string {
    // `-m bpf: the program is not in the input`
    const behind = text.slice(text.indexOf(': ') + 2)
    const known = behind.length < text.length - 1 ? this.#whole.get(behind) : undefined
    if (known !== undefined) return `${this.say(text.slice(0, -behind.length - 2))}：${known}`
    const found = this.#best(text)
    // `web1: …`: somebody of whom something is said
    const named = /^\S+: /.exec(text)?.[0]
    const more = named === undefined ? undefined : this.#best(text.slice(named.length))
    if (more && more.template.weight > (found?.template.weight ?? 0))
      return `${named!.slice(0, -2)}：${this.say(text.slice(named!.length))}`
    if ((found?.template.weight ?? 0) < MUCH) {
      const list = this.#list(text)
      if (list !== undefined) return list
    }
    return found?.template.said.replace(/\{(\d)\}/g, (_, gap: string) => this.say(found.filled.get(gap) ?? '')) ?? text
  }

  #best(text: string): { readonly template: Template; readonly filled: ReadonlyMap<string, string> } | undefined {
    for (const template of this.#templates) {
      const filled = fill(template, text)
      if (filled) return { template, filled }
    }
    return undefined
  }

  /** `rule 1 of filter/INPUT, rule 3 of filter/INPUT, 2 more`: a list of things of which each can be said. */
  #list(text: string): string | undefined {
    const parts = text.split(', ')
    if (parts.length === 1) return undefined
    const said = parts.map((part) => this.say(part))
    return said.every((one, i) => one !== parts[i]) ? said.join('、') : undefined
  }
}

/** What stands in the gaps where a text has this shape. Only the last gap may be empty. */
function fill({ literals, gaps }: Template, text: string): ReadonlyMap<string, string> | undefined {
  if (!text.startsWith(literals[0]!) || !text.endsWith(literals.at(-1)!)) return undefined
  const filled = new Map<string, string>()
  let from = literals[0]!.length
  for (const [i, gap] of gaps.entries()) {
    const last = i === gaps.length - 1
    const next = literals[i + 1]!
    // a gap that another one follows at once leaves it everything
    const to = last ? text.length - next.length : next === '' ? from : text.indexOf(next, from)
    if (to < from || (to === from && !last && next !== '')) return undefined
    filled.set(gap, text.slice(from, to))
    from = to + next.length
  }
  return filled
}
