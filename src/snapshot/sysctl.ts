import { InputError } from './problem.js'

/** What sysctl(8) says of keys that it could not read, on the same terminal. */
const COMPLAINT = /^sysctl: /

/** As sysctl(8) prints it. */
const USUAL = /^(\w+\.[^\s=]+) = (.*)$/

/**
 * `sysctl -a` (`net.ipv4.ip_forward = 1`), sysctl.conf (`net.ipv4.ip_forward=1`, comments, slashes for dots): the last of equal keys wins. Keys come
 * out as sysctl(8) prints them: dots between, slashes for the dots within an interface's name. Throws InputError.
 */
export function readSysctls(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  let number = 0
  // by hand: a host has a thousand settings, and a short command waits for them
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const line = text.slice(at, end)
    at = end + 1
    number++
    const usual = USUAL.exec(line)
    if (usual) values.set(withSlashes(usual[1]!), usual[2]!.trim())
    else readLine(line, number, values)
  }
  return values
}

function readLine(line: string, number: number, values: Map<string, string>): void {
  const shown = line.trim()
  if (shown === '' || shown.startsWith('#') || shown.startsWith(';') || COMPLAINT.test(shown)) return
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

/** sysctl(8): where the first separator is a slash, slashes separate and dots belong to names. */
function dotted(key: string): string {
  const [slash, dot] = [key.indexOf('/'), key.indexOf('.')]
  const swapped = slash >= 0 && (dot < 0 || slash < dot)
  return withSlashes(swapped ? key.replace(/[./]/g, (sign) => (sign === '/' ? '.' : '/')) : key)
}

const PER_INTERFACE = /^net\.ipv[46]\.(conf|neigh)\./
const NAME = 'net.ipv4.conf.'.length

/** Busybox and collectors that walk /proc/sys leave the dots of `eth0.10` as they are. */
function withSlashes(key: string): string {
  const end = key.lastIndexOf('.')
  if (end < NAME || !key.startsWith('net.ipv') || key.indexOf('.', NAME) === end) return key
  const start = PER_INTERFACE.exec(key)?.[0].length
  if (start === undefined || key.indexOf('.', start) === end) return key
  return `${key.slice(0, start)}${key.slice(start, end).replaceAll('.', '/')}${key.slice(end)}`
}
