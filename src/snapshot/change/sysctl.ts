import type { Namespace } from '../../path/world.js'
import type { ShellWord } from '../../xtables/index.js'
import { readSysctls } from '../sysctl.js'
import { Refusal } from './refusal.js'

/** Keys that hold whole numbers, and which. Others are taken as they come. */
const SWITCHES =
  /^net\.ipv[46]\.(ip_forward|conf\.[^.]+\.(forwarding|rp_filter|accept_local|route_localnet|log_martians))$/

/** `sysctl [-w] KEY=VALUE…`. Throws Refusal. */
export function changeSysctls(namespace: Namespace, words: readonly ShellWord[]): Namespace {
  const settings = words.slice(1).filter(({ text }) => !/^(-[wqen]+|--write|--quiet|--ignore)$/.test(text))
  if (settings.length === 0) throw new Refusal('sysctl: no variables specified', words[0])
  const values = new Map(namespace.sysctls ?? [])
  for (const word of settings) {
    if (!/^[^=]+=/.test(word.text)) throw new Refusal('sysctl: command line(0): invalid syntax, continuing...', word)
    const [[key, value] = ['', '']] = read(word)
    if (SWITCHES.test(key) && !/^-?\d+$/.test(value)) throw new Refusal(`sysctl: setting key "${key}": Invalid argument`, word)
    const [, family, name] = /^net\.(ipv[46])\.conf\.([^.]+)\./.exec(key) ?? []
    if (name !== undefined && !['all', 'default'].includes(name) && !hasLink(namespace, name))
      throw new Refusal(`sysctl: cannot stat /proc/sys/net/${family}/conf/${name}/${key.split('.').at(-1)}: No such file or directory`, word)
    for (const [affected, set] of effects(namespace, key, value)) values.set(affected, set)
  }
  return { ...namespace, sysctls: values }
} // biome-ignore format: one thing

function read(word: ShellWord): ReadonlyMap<string, string> {
  try {
    return readSysctls(word.text)
  } catch {
    throw new Refusal(`sysctl: command line(0): invalid syntax, continuing...`, word)
  }
}

const hasLink = ({ links }: Namespace, name: string): boolean =>
  links.some((link) => link.name.replaceAll('.', '/') === name)

/** Forwarding for all is forwarding for each (net/ipv4/devinet.c: inet_forward_change; net/ipv6/addrconf.c: addrconf_fixup_forwarding). */
function effects({ links }: Namespace, key: string, value: string): readonly (readonly [string, string])[] {
  const ipv4 = key === 'net.ipv4.ip_forward' || key === 'net.ipv4.conf.all.forwarding'
  if (!ipv4 && key !== 'net.ipv6.conf.all.forwarding') return [[key, value]]
  const version = ipv4 ? 'ipv4' : 'ipv6'
  const names = ['all', 'default', ...links.map(({ name }) => name.replaceAll('.', '/'))]
  return [
    ...(ipv4 ? [['net.ipv4.ip_forward', value] as const] : []),
    ...names.map((name) => [`net.${version}.conf.${name}.forwarding`, value] as const),
  ]
}
