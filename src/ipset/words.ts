import { IpsetError } from './data.js'

export interface Word {
  readonly text: string
  /** Where it begins in its line, from 0. */
  readonly at: number
}

/** MAX_ARGS of lib/ipset.c, the program's own name among them. */
const MOST = 31

/** The words of a line of `ipset restore` (build_argv): blanks part them but within double quotes, which may open anywhere. */
export function splitLine(line: string): readonly Word[] {
  const words: Word[] = []
  let word = ''
  let start = -1
  let quoted = false
  for (let i = 0; i <= line.length; i++) {
    const character = line[i]
    const parts = character === undefined || (!quoted && /[ \t\r\n]/.test(character))
    if (parts) {
      if (word !== '') words.push({ text: word, at: start })
      if (words.length >= MOST && i < line.length) throw new IpsetError('Line is too long to parse.', 'parameter')
      word = ''
      start = -1
      continue
    }
    if (start < 0) start = i
    if (character === '"') quoted = !quoted
    else word += character
  }
  if (quoted) throw new IpsetError('Missing close quote!', 'parameter')
  return words
}
