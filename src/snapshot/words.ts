import type { Fields, Places } from './item.js'
import { Item } from './item.js'
import { InputError, type Position, START } from './problem.js'

export interface Word {
  readonly text: string
  readonly position: Position
}

export interface Line {
  readonly text: string
  readonly number: number
}

/** Lines that are not empty, without their ends. */
export function linesOf(text: string): readonly Line[] {
  const lines: Line[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const shown = line.endsWith('\r') ? line.slice(0, -1) : line
    if (shown.trim() !== '') lines.push({ text: shown, number: index + 1 })
  }
  return lines
}

/** The words of a line, with where they stand. A backslash that stands alone is the line end of `ip -o`. */
export class Words {
  readonly #words: readonly Word[]
  readonly #end: Position
  #at = 0

  constructor({ text, number }: Line) {
    this.#words = [...text.matchAll(/[^\s\\]\S*/g)].map((match) => ({
      text: match[0].endsWith('\\') ? match[0].slice(0, -1) : match[0],
      position: { line: number, column: match.index + 1 },
    }))
    this.#end = { line: number, column: text.length + 1 }
  }

  get done(): boolean {
    return this.#at >= this.#words.length
  }

  get position(): Position {
    return this.#words[this.#at]?.position ?? this.#end
  }

  peek(ahead = 0): string | undefined {
    return this.#words[this.#at + ahead]?.text
  }

  /** The next word; `after` is for the message where the line ends too early. */
  next(after: string): string {
    const word = this.#words[this.#at]
    if (!word) throw new InputError(`the line ends after ${after}`, this.#end)
    this.#at++
    return word.text
  }

  /** Takes the next word where it is this one. */
  take(text: string): boolean {
    if (this.peek() !== text) return false
    this.#at++
    return true
  }

  fail(message: string, position = this.position): never {
    throw new InputError(message, position)
  }
}

/** Objects put together from plain text, and where their values stood. */
export class Builder implements Places {
  readonly #places = new Map<object, Map<string | undefined, Position>>()

  object(position: Position): Record<string, unknown> {
    const made: Record<string, unknown> = {}
    this.#places.set(made, new Map([[undefined, position]]))
    return made
  }

  set(object: Record<string, unknown>, key: string, value: unknown, position: Position): void {
    object[key] = value
    this.#places.get(object)?.set(key, position)
  }

  /** Adds to a list of the object. */
  append(object: Record<string, unknown>, key: string, value: unknown): void {
    const list = object[key]
    if (Array.isArray(list)) list.push(value)
    else object[key] = [value]
  }

  of(object: object, key: string | undefined): Position {
    const known = this.#places.get(object)
    return known?.get(key) ?? known?.get(undefined) ?? START
  }

  items(objects: readonly Fields[]): readonly Item[] {
    return objects.map((object) => new Item(object, this))
  }
}

/** JSON or plain text? */
export const looksLikeJson = (text: string): boolean => /^\s*[[{]/.test(text)
