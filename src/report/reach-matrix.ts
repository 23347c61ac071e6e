import type { Cell, Matrix } from '../analysis/reach-matrix.js'
import { columns, type Line, printable, type Role, span } from './line.js'

export const MATRIX_FORMATS = ['pretty', 'markdown', 'csv', 'html'] as const
export type MatrixFormat = (typeof MATRIX_FORMATS)[number]
/** Who gets there, or which source addresses the receiver sees. */
export const MATRIX_VIEWS = ['reach', 'sources'] as const
export type MatrixView = (typeof MATRIX_VIEWS)[number]

const NAMES: Readonly<Record<Cell['reach'], string>> = { all: 'yes', some: 'some', perhaps: 'perhaps', none: 'no' }
const ROLES: Readonly<Record<Cell['reach'], Role>> = {
  all: 'accept',
  some: 'unknown',
  perhaps: 'unknown',
  none: 'drop',
}

/** They get there, and no socket takes them: they are refused. */
const isClosed = ({ receivers }: Cell): boolean =>
  receivers.length > 0 && receivers.every(({ listens }) => listens === false)

const nameOf = (cell: Cell): string => (isClosed(cell) ? 'closed' : NAMES[cell.reach])
const roleOf = (cell: Cell): Role => (isClosed(cell) ? 'drop' : ROLES[cell.reach])

function textOf(cell: Cell, view: MatrixView): string {
  if (view === 'reach') return nameOf(cell)
  if (cell.reach === 'none') return '-'
  const closed = (listens: boolean | undefined) => (listens === false ? ' (closed)' : '')
  return cell.receivers
    .map(({ place, sources, listens }) => `${place}${closed(listens)} ← ${sources.join(', ')}`)
    .join('; ')
}

/** With more columns than these, targets that fare alike with everybody share one. */
const MOST_COLUMNS = 40
/** Of targets that share a column, so many are named. */
const NAMED = 3

/** A matrix of columns: each is one target, or several that fare alike. */
function columnsOf(matrix: Matrix, view: MatrixView): Matrix {
  const { targets, cells } = matrix
  if (targets.length <= MOST_COLUMNS) return matrix
  const groups = new Map<string, number[]>()
  for (const i of targets.keys()) {
    const key = JSON.stringify(cells.map((row) => [row[i]!.reach, textOf(row[i]!, view)]))
    const known = groups.get(key)
    if (known) known.push(i)
    else groups.set(key, [i])
  }
  const columns = [...groups.values()]
  const nameOf = (members: readonly number[]) => {
    const named = members.slice(0, NAMED).map((i) => targets[i])
    const more = members.length - named.length
    return `${named.join(', ')}${more > 0 ? `, and ${more.toLocaleString('en')} more` : ''}`
  }
  return {
    ...matrix,
    targets: columns.map(nameOf),
    cells: cells.map((row) => columns.map(([first]) => row[first!]!)),
  }
}

/** Rows are who asks, columns are what is asked for. */
function tableOf({ askers, targets, cells }: Matrix, view: MatrixView): readonly (readonly string[])[] {
  return [
    ['from', ...targets],
    ...askers.map((asker, row) => [asker, ...cells[row]!.map((cell) => textOf(cell, view))]),
  ]
}

/** For a terminal: columns are numbered, since the names of targets are long. */
export function matrixText(matrix: Matrix, view: MatrixView): readonly Line[] {
  const { askers, targets, cells } = columnsOf(matrix, view)
  const numbers = targets.map((_, i) => `${i + 1}`)
  const head: Line[] = targets.map((target, i) => [
    span(`${numbers[i]!.padStart(3)}  `, 'label'),
    span(printable(target), 'name'),
  ])
  const width = Math.max(4, ...askers.map((asker) => columns(printable(asker))))
  const pad = (text: string, to: number) => text + ' '.repeat(Math.max(0, to - columns(text)))
  if (view === 'sources') {
    const rows = askers.flatMap((asker, row): Line[] => [
      [span(printable(asker), 'heading')],
      ...cells[row]!.flatMap((cell, i): Line[] =>
        cell.reach === 'none'
          ? []
          : [
              [
                span(`${numbers[i]!.padStart(3)}  `, 'label'),
                span(printable(textOf(cell, view)), roleOf(cell)),
                span(cell.reach === 'all' ? '' : ` (${NAMES[cell.reach]})`, 'dim'),
              ],
            ],
      ),
    ])
    return [...head, [], ...rows]
  }
  const cell = Math.max(7, ...numbers.map((number) => number.length)) + 1
  const title: Line = [
    span(pad('from', width + 1), 'label'),
    ...numbers.map((number) => span(pad(number, cell), 'label')),
  ]
  const rows = askers.map(
    (asker, row): Line => [
      span(pad(printable(asker), width + 1), 'name'),
      ...cells[row]!.map((one) => span(pad(nameOf(one), cell), roleOf(one))),
    ],
  )
  return [...head, [], title, ...rows]
}

/** As a file: each cell is text. CSV has a column for each target. */
export function matrixFile(whole: Matrix, view: MatrixView, format: Exclude<MatrixFormat, 'pretty'>): string {
  const matrix = format === 'csv' ? whole : columnsOf(whole, view)
  const [head, ...rows] = tableOf(matrix, view)
  switch (format) {
    case 'markdown': {
      const line = (row: readonly string[]) =>
        `| ${row.map((text) => printable(text).replaceAll('|', '\\|')).join(' | ')} |`
      return `${[line(head!), `|${head!.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')}\n`
    }
    case 'csv': {
      // RFC 4180; a leading sign of a formula is data
      const quoted = (text: string) =>
        `"${printable(text)
          .replaceAll('"', '""')
          .replace(/^[=+@]/, "'$&")}"`
      return `${[head!, ...rows].map((row) => row.map(quoted).join(',')).join('\r\n')}\r\n`
    }
    case 'html': {
      const escaped = (text: string) =>
        printable(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
      const body = rows.map(([asker, ...cells], row) => {
        const kind = (i: number) => (isClosed(matrix.cells[row]![i]!) ? 'closed' : matrix.cells[row]![i]!.reach)
        return `<tr><th scope="row">${escaped(asker!)}</th>${cells.map((text, i) => `<td class="${kind(i)}">${escaped(text)}</td>`).join('')}</tr>`
      })
      return `<!doctype html>
<meta charset="utf-8"><title>packetwalk reach --matrix</title>
<style>table{border-collapse:collapse;font:14px sans-serif}th,td{border:1px solid #999;padding:4px 8px;text-align:left}.all{background:#d7f0d7}.some,.perhaps{background:#fdf1c7}.none,.closed{background:#f6d5d5}</style>
<table><thead><tr>${head!.map((text) => `<th scope="col">${escaped(text)}</th>`).join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table>
`
    }
  }
}

/** The shape of schema/reach-matrix.schema.json. */
export const matrixJson = ({ family, askers, targets, cells }: Matrix) => ({
  schema: 'packetwalk/reach-matrix/1',
  family,
  from: askers,
  to: targets,
  cells: cells.map((row) =>
    row.map(({ reach, receivers }) => ({
      reach,
      receivers: receivers.map(({ place, sources, listens, example }) => ({
        place,
        sources,
        listens: listens ?? null,
        example: example ? { packet: example.packet, sees: example.sees, becomes: example.becomes } : null,
      })),
    })),
  ),
})
