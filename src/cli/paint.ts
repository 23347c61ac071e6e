import type { styleText } from 'node:util'
import { columns, type Line, printable, type Role, type Span } from '../report/line.js'
import type { Io } from './io.js'

export const WHEN = ['auto', 'always', 'never'] as const
export type When = (typeof WHEN)[number]

type Style = Parameters<typeof styleText>[0]

const STYLES: Readonly<Record<Role, Style | undefined>> = {
  plain: undefined,
  heading: 'bold',
  label: 'cyan',
  name: ['bold', 'blue'],
  accept: 'green',
  drop: ['bold', 'red'],
  unknown: 'yellow',
  rewrite: 'magenta',
  rule: 'bold',
  dim: 'gray',
}

/** https://no-color.org: any value that is not empty turns colours off; asking for them on the command line wins. */
export const wantsColour = (when: When, { env, outIsTerminal }: Pick<Io, 'env' | 'outIsTerminal'>): boolean =>
  when === 'always' || (when === 'auto' && outIsTerminal && !env.NO_COLOR && env.TERM !== 'dumb')

/** The stream was looked at already. util is loaded only where colours are wanted: with it come parts of Node that take time. */
const styled = (style: Style, text: string): string =>
  process.getBuiltinModule('node:util').styleText(style, text, { validateStream: false })

/** Signs of our own that plain ASCII does not have. Quoted rules stay as they are. */
const ASCII: readonly (readonly [RegExp, string])[] = [
  [/→/g, '->'],
  [/≠/g, '!='],
]
const ascii = ({ text, role }: Span): string =>
  role === 'rule' ? text : ASCII.reduce((shown, [sign, plain]) => shown.replace(sign, plain), text)

/** Lines as the terminal gets them; in a pipe ASCII signs only. */
export function paint(lines: readonly Line[], io: Pick<Io, 'env' | 'outIsTerminal'>, when: When): string {
  const colour = wantsColour(when, io)
  const show = (span: Span): string => {
    const text = io.outIsTerminal || colour ? span.text : ascii(span)
    const style = STYLES[span.role]
    return colour && style !== undefined && text !== '' ? styled(style, text) : text
  }
  return lines.map((line) => `${line.map(show).join('').trimEnd()}\n`).join('')
}

const DEFAULT_WIDTH = 80
const NARROWEST = 40
/** Wider lines are hard to read. */
const WIDEST = 120

export const widthOf = ({ columns: given }: Pick<Io, 'columns'>): number =>
  Math.min(WIDEST, Math.max(NARROWEST, given ?? DEFAULT_WIDTH))

/** The part of a source line around a column (from 1) that fits, and where the caret goes in it. */
export function excerpt(
  source: string,
  column: number,
  width: number,
): { readonly text: string; readonly caret: number } {
  const room = Math.max(20, width - 6)
  const at = Math.max(0, column - 1)
  const from = source.length <= room || at < room / 2 ? 0 : at - Math.floor(room / 2)
  const to = Math.min(source.length, from + room)
  const head = from > 0 ? '...' : ''
  const tail = to < source.length ? '...' : ''
  const show = (part: string) => printableColumns(part)
  return {
    text: `${head}${show(source.slice(from, to))}${tail}`,
    caret: head.length + columns(show(source.slice(from, at))),
  }
}

/** Tabs as one space, so that the caret stands where it should. */
const printableColumns = (text: string): string => printable(text.replace(/\t/g, ' '))
