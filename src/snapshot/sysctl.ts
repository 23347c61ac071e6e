import { InputError } from './problem.js'
import { linesOf } from './words.js'

/** What sysctl(8) says of keys that it could not read, on the same terminal. */
const COMPLAINT = /^sysctl: /

/**
 * `sysctl -a` (`net.ipv4.ip_forward = 1`), sysctl.conf (`net.ipv4.ip_forward=1`, comments, slashes for dots): the last of equal keys wins. Keys come
 * out as sysctl(8) prints them: dots between, slashes for the dots within an interface's name. Throws InputError.
 */
export function readSysctls(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { text: line, number } of linesOf(text)) {
    const shown = line.trim()
    if (shown.startsWith('#') || shown.startsWith(';') || COMPLAINT.test(shown)) continue
    const equals = shown.indexOf('=')
    // sysctl.conf(5): a dash says that a failure does not matter
    const key = shown.slice(0, equals).trim().replace(/^-/, '')
    if (equals < 0 || !/^[\w]+[./][^\s]+$/.test(key))
      throw new InputError(`"${shown.slice(0, 40)}" is no setting: KEY = VALUE`, {
        line: number,
        column: line.indexOf(shown) + 1,
      })
    values.set(dotted(key), shown.slice(equals + 1).trim())
  }
  return values
}

const PER_INTERFACE = ['net.ipv4.conf.', 'net.ipv6.conf.', 'net.ipv4.neigh.', 'net.ipv6.neigh.']

/** sysctl(8): where the first separator is a slash, slashes separate and dots belong to names. */
function dotted(key: string): string {
  const [slash, dot] = [key.indexOf('/'), key.indexOf('.')]
  const swapped = slash >= 0 && (dot < 0 || slash < dot)
  const turned = swapped ? key.replace(/[./]/g, (sign) => (sign === '/' ? '.' : '/')) : key
  // busybox and collectors that walk /proc/sys leave the dots of `eth0.10` as they are
  const start = PER_INTERFACE.find((prefix) => turned.startsWith(prefix))?.length
  if (start === undefined) return turned
  const end = turned.lastIndexOf('.')
  const name = turned.slice(start, end)
  return name.includes('.') ? `${turned.slice(0, start)}${name.replaceAll('.', '/')}${turned.slice(end)}` : turned
}
