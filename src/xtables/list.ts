import type { AnyExtension } from './extension.js'
import { matches } from './matches/index.js'
import { parseProtocol } from './protocol.js'
import { readSave } from './save.js'
import type { ReadOptions, ReadSave } from './save-file.js'
import { isBuiltin, TABLES } from './tables.js'
import { targets } from './targets/index.js'

const CHAIN = /^Chain (\S+) \((?:policy (\S+)|(\d+) references?)/
/** num, packets, bytes, target, protocol, options, in, out, source, destination, the rest. A rule without a target has a gap there. */
const RULE =
  /^\s*(?:\d+\s+)?(\d+[KMGT]?)\s+(\d+[KMGT]?)\s+(?:(\S+)\s+)?(!?\S+)\s+(--|-f|!f)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*(.*)$/

/** Does it look like `iptables -L`? */
export const isList = (text: string): boolean =>
  CHAIN.test(
    text
      .slice(0, 65_536)
      .split('\n', 200)
      .find((line) => line.startsWith('Chain ')) ?? '',
  )

/** Which table a listing shows, by its built-in chains; mangle and nat have others than filter and raw. */
export function tableOfList(text: string): string | undefined {
  const names = [...text.matchAll(/^Chain (\S+) \(policy /gm)].map(([, name]) => name!)
  return Object.keys(TABLES).find((table) => {
    const chains = Object.keys(TABLES[table]!)
    return chains.length === names.length && chains.every((chain) => names.includes(chain))
  })
}

/**
 * Reads `iptables [-t TABLE] -L -v` with or without -n, -x and --line-numbers. Its lines become lines of `iptables -S`, one for one, so that
 * problems and rules name the listing's own lines. Without -v a listing has no interfaces: refused. What is not understood of a rule
 * is an unknown match.
 */
export function readList(text: string, options: ReadOptions): ReadSave {
  const table = options.table ?? tableOfList(text) ?? 'filter'
  const lines: string[] = []
  let chain: string | undefined
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd()
    const header = CHAIN.exec(line)
    if (header) {
      chain = header[1]!
      lines.push(header[2] ? `-P ${chain} ${header[2]}` : `-N ${chain}`)
    } else if (line === '' || line.startsWith('#') || /^\s*(?:num\s+)?pkts\s+bytes\s+target\s/.test(line))
      lines.push('')
    else {
      const rule = chain === undefined ? undefined : ruleOf(line, chain, table)
      if (rule === undefined)
        return { ok: false, problems: [{ file: options.file, line: i + 1, column: 1, message: whatIsWrong(line) }] }
      lines.push(rule)
    }
  }
  return readSave(`${lines.join('\n')}\n`, { ...options, table })
}

const whatIsWrong = (line: string): string =>
  /^\s*(?:num\s+)?target\s+prot\s/.test(line)
    ? 'this listing has no interfaces: iptables -L needs -v (better: iptables-save)'
    : 'this is no line of iptables -L -v'

function ruleOf(line: string, chain: string, table: string): string | undefined {
  const found = RULE.exec(line)
  if (!found) return undefined
  const [
    ,
    packets = '',
    bytes = '',
    target,
    protocol = '',
    option,
    iif = '',
    oif = '',
    source = '',
    destination = '',
    rest = '',
  ] = found
  const words = [`[${counted(packets)}:${counted(bytes)}] -A ${chain}`]
  const add = (flag: string, value: string, any: RegExp) => {
    const not = value.startsWith('!')
    const word = not ? value.slice(1) : value
    if (not || !any.test(word)) words.push(`${not ? '! ' : ''}${flag} ${word}`)
  }
  add('-s', source, /^(anywhere|0\.0\.0\.0\/0|::\/0)$/)
  add('-d', destination, /^(anywhere|0\.0\.0\.0\/0|::\/0)$/)
  add('-i', iif, /^(any|\*)$/)
  add('-o', oif, /^(any|\*)$/)
  if (parseProtocol(protocol.replace(/^!/, '')) !== 0) add('-p', protocol, /^$/)
  if (option !== '--') words.push(option === '!f' ? '! -f' : '-f')
  const goto = /^\[goto\]\s*/.exec(rest)
  words.push(...extras(goto ? rest.slice(goto[0].length) : rest, target, table, goto !== null))
  return words.join(' ')
}

const UNITS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 }

/** `679M` stands for about so many. */
function counted(word: string): number {
  const unit = UNITS[word.at(-1) ?? '']
  return unit ? Number(word.slice(0, -1)) * unit : Number(word)
}

/** The matches, as far as they are understood, and the target. */
function extras(text: string, target: string | undefined, table: string, goto: boolean): readonly string[] {
  const words: string[] = []
  const extension =
    target !== undefined && Object.hasOwn(targets, target) && !isBuiltin(table, target) ? targets[target] : undefined
  let rest = text.trim()
  let options = ''
  while (rest !== '') {
    const read = first(Object.values(matches), rest) ?? (extension && first([extension], rest))
    if (!read) {
      words.push(`-m listing "${rest.replace(/["\\]/g, '\\$&')}"`)
      break
    }
    if (read.extension === extension) options = read.words
    else words.push(`-m ${read.extension.name} ${read.words}`)
    rest = rest.slice(read.length).trim()
  }
  if (target !== undefined) words.push(`${goto ? '-g' : '-j'} ${target} ${options}`.trimEnd())
  return words
}

/** The extension whose listing the text begins with. */
function first(
  extensions: readonly AnyExtension[],
  text: string,
): { readonly extension: AnyExtension; readonly words: string; readonly length: number } | undefined {
  for (const extension of extensions)
    for (const [pattern, words] of extension.listed ?? []) {
      pattern.lastIndex = 0
      const found = pattern.exec(text)
      if (found && found[0] !== '')
        return { extension, words: words(...(found as readonly string[])).trim(), length: found[0].length }
    }
  return undefined
}
