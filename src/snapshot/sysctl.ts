import { InputError } from './problem.js'
import { linesOf } from './words.js'

/** What sysctl(8) says of keys that it may not read, and comments of sysctl.conf(5). */
const REMARK = /^\s*([#;]|sysctl:|error:)/

/**
 * `key = value` (sysctl -a), `key=value` (sysctl.conf): keys with dots, and `/` for a dot in an interface's name, as procps prints them. Where
 * a key is given twice, the later one counts, as when they are applied in order.
 */
export function readSysctls(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of linesOf(text)) {
    if (REMARK.test(line.text)) continue
    const equals = line.text.indexOf('=')
    const key = line.text.slice(0, Math.max(0, equals)).trim().replace(/^-/, '')
    if (!/^[\w.][^\s=]*$/.test(key))
      throw new InputError('this is not `key = value`', { line: line.number, column: line.text.search(/\S/) + 1 })
    values.set(normalKey(key), line.text.slice(equals + 1).trim())
  }
  return values
}

/** sysctl(8): where the first separator is a slash, slashes and dots have changed places. */
function normalKey(key: string): string {
  const turned = /^[^./]*\//.test(key) ? key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : key
  // busybox and `find /proc/sys` based collectors leave the dots of `eth0.10` as they are
  const perInterface = /^(net\.ipv[46]\.(?:conf|neigh))\.(.+)\.([^.]+)$/.exec(turned)
  return perInterface ? `${perInterface[1]}.${perInterface[2]!.replaceAll('.', '/')}.${perInterface[3]}` : turned
}
