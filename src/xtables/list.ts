import { parseAddressMask } from './address-mask.js'
import type { AnyExtension } from './extension.js'
import { matches } from './matches/index.js'
import { parseProtocol } from './protocol.js'
import { readSave } from './save.js'
import type { Problem, ReadOptions, ReadSave, SaveFile } from './save-file.js'
import { isBuiltin, TABLES } from './tables.js'
import { targets } from './targets/index.js'

const CHAIN = /^Chain (\S+) \((?:policy (\S+?)(?: [^)]*)?|(\d+) references?)\)/
/** Packets, bytes, target, protocol, options, in, out, source, destination, the rest. A rule without a target has a gap there. */
const RULE =
  /^\s*(?:\d+\s+)?(\d+[KMGT]?)\s+(\d+[KMGT]?)\s+(?:(\S+)\s+)?(!?\S+)\s+(--|-f|!f)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*(.*)$/
/** ip6tables before 1.8.9 has nothing in the column of options: addresses tell where it is. */
const RULE6 =
  /^\s*(?:\d+\s+)?(\d+[KMGT]?)\s+(\d+[KMGT]?)\s+(?:(\S+)\s+)?(!?[\w.+-]+)()\s+(\S+)\s+(\S+)\s+(!?(?:anywhere|[\da-f]*:[\da-f:.]*(?:\/\d+)?))\s+(!?(?:anywhere|[\da-f]*:[\da-f:.]*(?:\/\d+)?))\s*(.*)$/i
/** Without -v: neither counters nor interfaces. */
const SHORT = /^(?:\d+\s+)?()()(?:(\S+)\s+)?(!?\S+)\s+(--|-f|!f)()()\s+(\S+)\s+(\S+)\s*(.*)$/
const HEADING = /^\s*(?:num\s+)?(?:pkts\s+bytes\s+)?target\s+prot\s/
/** What collectors write below. */
const REMARK = /^(#|Total Number of Rules:|iptables v|ip6tables v)/

/** Does it look like `iptables -L`? */
export const isList = (text: string): boolean =>
  CHAIN.test(
    text
      .slice(0, 65_536)
      .split('\n', 200)
      .find((line) => line.startsWith('Chain ')) ?? '',
  )

/** Which table `iptables -L` or `-S` shows, by its built-in chains; undefined where it is none that is complete. */
export function tableOfChains(text: string): string | undefined {
  const names = [...text.matchAll(/^(?:Chain (\S+) \(policy |-P (\S+) )/gm)].map(
    ([, listed, ruled]) => listed ?? ruled!,
  )
  return Object.keys(TABLES).find((table) => {
    const chains = Object.keys(TABLES[table]!)
    return chains.length === names.length && chains.every((chain) => names.includes(chain))
  })
}

export type ReadListings =
  | {
      readonly ok: true
      readonly saves: readonly SaveFile[]
      readonly rules: number
      /** Rules of which something is not understood, or not shown. */
      readonly uncertain: number
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Several listings, one after the other in one text: the next table begins where a base chain comes again, or one that this table does not have. */
export function readListings(text: string, options: ReadOptions): ReadListings {
  const lines = text.split('\n')
  const starts: number[] = []
  let bases = new Set<string>()
  let user = false
  for (const [i, line] of lines.entries()) {
    const [, name, policy] = CHAIN.exec(line) ?? []
    if (name === undefined) continue
    // base chains come before the others
    if (starts.length === 0 || (policy !== undefined && (bases.has(name) || user))) {
      starts.push(i)
      bases = new Set()
    }
    user = policy === undefined
    if (policy !== undefined) bases.add(name)
  }
  const saves: SaveFile[] = []
  let rules = 0
  let uncertain = 0
  for (const [n, start] of starts.entries()) {
    const end = starts[n + 1] ?? lines.length
    const part = [...Array<string>(start).fill(''), ...lines.slice(start, end)].join('\n')
    const read = readList(part, starts.length > 1 ? { ...options, table: tableOfChains(part) ?? 'filter' } : options)
    if (!read.ok) return read
    saves.push(read.save)
    for (const chain of read.save.tables[0]?.chains.values() ?? [])
      for (const rule of chain.rules) {
        rules++
        if (rule.fields.matches.some(({ name }) => name === UNCERTAIN)) uncertain++
      }
  }
  return { ok: true, saves, rules, uncertain }
}

/** In words, how much of the rules is known. */
export function howSure({ rules, uncertain }: { readonly rules: number; readonly uncertain: number }): string {
  const doubt =
    uncertain === 0 ? '' : `, of which ${uncertain} ${uncertain === 1 ? 'is' : 'are'} not understood as a whole`
  return `${rules} ${rules === 1 ? 'rule' : 'rules'} put together from iptables -L${doubt}`
}

/** The match that stands for what a listing does not tell. */
const UNCERTAIN = 'listing'

/**
 * Reads `iptables [-t TABLE] -L`, best with -v and -n. Its lines become lines of `iptables -S`, one for one, so that problems and rules name the
 * listing's own lines. What is not understood of a rule is an unknown match; so is what is not shown: the interfaces without -v, addresses that
 * are shown by names nobody here knows.
 */
export function readList(text: string, options: ReadOptions): ReadSave {
  const table = options.table ?? tableOfChains(text) ?? 'filter'
  const lines: string[] = []
  let chain: string | undefined
  let verbose = true
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd()
    const header = CHAIN.exec(line)
    if (header) {
      chain = header[1]!
      lines.push(header[2] ? `-P ${chain} ${header[2]}` : `-N ${chain}`)
    } else if (HEADING.test(line)) {
      verbose = /^\s*(?:num\s+)?pkts\s/.test(line)
      lines.push('')
    } else if (line === '' || REMARK.test(line)) lines.push('')
    else {
      const rule = chain === undefined ? undefined : ruleOf(line, chain, table, verbose)
      if (rule === undefined)
        return {
          ok: false,
          problems: [{ file: options.file, line: i + 1, column: 1, message: 'this is no line of iptables -L' }],
        }
      lines.push(rule)
    }
  }
  return readSave(`${lines.join('\n')}\n`, { ...options, table })
}

function ruleOf(line: string, chain: string, table: string, verbose: boolean): string | undefined {
  const found = verbose ? (RULE.exec(line) ?? RULE6.exec(line)) : SHORT.exec(line)
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
  const words = [`${verbose ? `[${counted(packets)}:${counted(bytes)}] ` : ''}-A ${chain}`]
  const unknown: string[] = verbose ? [] : ['interfaces are shown only with -v']
  const add = (flag: string, value: string, any: RegExp) => {
    const not = value.startsWith('!')
    const word = not ? value.slice(1) : value
    if (not || !any.test(word)) words.push(`${not ? '! ' : ''}${flag} ${word}`)
  }
  for (const [flag, value] of [
    ['-s', source],
    ['-d', destination],
  ] as const) {
    const address = addressOf(value)
    if (address === undefined) unknown.push(`${flag} ${value}`)
    else add(flag, address, /^(0\.0\.0\.0\/0|::\/0)$/)
  }
  if (verbose) {
    add('-i', iif, /^(any|\*)$/)
    add('-o', oif, /^(any|\*)$/)
  }
  if (parseProtocol(protocol.replace(/^!/, '')) !== 0) add('-p', protocol, /^$/)
  if (option === '!f' || option === '-f') words.push(option === '!f' ? '! -f' : '-f')
  for (const text of unknown) words.push(`-m ${UNCERTAIN} "${text.replace(/["\\]/g, '\\$&')}"`)
  const goto = /^\[goto\]\s*/.exec(rest)
  words.push(...extras(goto ? rest.slice(goto[0].length) : rest, target, table, goto !== null))
  return words.join(' ')
}

/** /etc/hosts and /etc/networks of every distribution. */
const NAMES: Readonly<Record<string, string>> = {
  localhost: '127.0.0.1', loopback: '127.0.0.0', 'link-local': '169.254.0.0', default: '0.0.0.0', 'ip6-localhost': '::1',
} // biome-ignore format: a table

/** As a rule has it; undefined for a name that nobody here knows. */
function addressOf(shown: string): string | undefined {
  const not = shown.startsWith('!') ? '!' : ''
  const [name = '', mask] = shown.slice(not.length).split('/')
  if (name === 'anywhere') return `${not}0.0.0.0/0`
  const address = parseAddressMask(name) ? name : NAMES[name]
  return address === undefined ? undefined : `${not}${address}${mask === undefined ? '' : `/${mask}`}`
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
      words.push(`-m ${UNCERTAIN} "${rest.replace(/["\\]/g, '\\$&')}"`)
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
