import type { Cell, Matrix } from '../analysis/reach-matrix.js'
import type { ServiceTable } from '../analysis/service-tables.js'
import { columns, type Line, printable, span } from './line.js'
import { type MatrixFormat, matrixFile } from './reach-matrix.js'

const MOST_ADDRESSES = 12

const letters = (index: number): string =>
  index < 26 ? String.fromCharCode(65 + index) : `${letters(Math.floor(index / 26) - 1)}${letters(index % 26)}`

const listed = (addresses: readonly string[]): string =>
  addresses.length > MOST_ADDRESSES
    ? `${addresses.slice(0, MOST_ADDRESSES).join(', ')}, … (${addresses.length})`
    : addresses.join(', ')

/** For a terminal: the classes of addresses by letters, and who of them reaches whom. */
export function serviceText(tables: readonly ServiceTable[], service: string): readonly Line[] {
  if (tables.length === 0) return [[span(`nothing filters ${printable(service)}`, 'unknown')]]
  return tables.flatMap(({ place, chain, classes }, i): Line[] => {
    const head: Line = [span(`${printable(service)} through ${printable(chain)} of ${printable(place)}`, 'heading')]
    if (!classes)
      return [...(i === 0 ? [] : [[]]), head, [span('  its addresses are scattered beyond listing', 'unknown')]]
    const names = classes.map((_, n) => letters(n))
    const width = Math.max(4, ...names.map(columns)) + 1
    const pad = (text: string) => text + ' '.repeat(width - columns(text))
    return [
      ...(i === 0 ? [] : [[]]),
      head,
      ...classes.map(
        ({ addresses }, n): Line => [span(`  ${pad(names[n]!)}`, 'label'), span(printable(listed(addresses)), 'name')],
      ),
      [],
      [span(`  ${pad('from')}`, 'label'), span('to ', 'label'), ...names.map((name) => span(pad(name), 'label'))],
      ...classes.map(
        ({ reaches }, n): Line => [
          span(`  ${pad(names[n]!)}   `, 'label'),
          ...classes.map((_, to) => (reaches.includes(to) ? span(pad('yes'), 'accept') : span(pad('no'), 'drop'))),
        ],
      ),
    ]
  })
}

/** As a file: one table behind the other. */
export function serviceFile(
  tables: readonly ServiceTable[],
  service: string,
  format: Exclude<MatrixFormat, 'pretty'>,
): string {
  return tables
    .map(({ place, chain, classes = [] }) => {
      const labels = classes.map(({ addresses }) => addresses.join(' '))
      const cells = classes.map(({ reaches }) =>
        labels.map((_, to): Cell => ({ reach: reaches.includes(to) ? 'all' : 'none', receivers: [] })),
      )
      const matrix: Matrix = { family: 4, askers: labels, targets: labels, cells }
      const title = `${service} through ${chain} of ${place}`
      const heading =
        format === 'markdown'
          ? `**${printable(title)}**\n\n`
          : format === 'csv'
            ? `"${printable(title).replaceAll('"', '""')}"\r\n`
            : ''
      return heading + matrixFile(matrix, 'reach', format)
    })
    .join(format === 'csv' ? '\r\n' : '\n')
}

/** The shape of schema/service-matrix.schema.json. */
export const serviceJson = (tables: readonly ServiceTable[], service: string, family: 4 | 6) => ({
  schema: 'packetwalk/service-matrix/1',
  service,
  family,
  chains: tables.map(({ place, chain, classes }) => ({ place, chain, classes: classes ?? null })),
})
