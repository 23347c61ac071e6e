/**
 * Kernel defaults of the settings that decide about packets, for snapshots that do not hold them; as a new
 * namespace of Linux 6.18 has them.
 * A `*` stands for an interface. Sources: Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst.
 */
const DEFAULTS: Readonly<Record<string, number>> = {
  'net.ipv4.ip_forward': 0,
  'net.ipv4.ip_default_ttl': 64,
  'net.ipv4.icmp_echo_ignore_all': 0,
  'net.ipv4.icmp_echo_ignore_broadcasts': 1,
  'net.ipv4.icmp_ratelimit': 1000,
  'net.ipv4.icmp_ratemask': 6168,
  'net.ipv4.fwmark_reflect': 0,
  'net.ipv4.fib_multipath_hash_policy': 0,
  'net.ipv4.fib_multipath_hash_fields': 7,
  'net.ipv6.fib_multipath_hash_policy': 0,
  'net.ipv6.fib_multipath_hash_fields': 7,
  'net.ipv6.icmp.echo_ignore_all': 0,
  'net.ipv6.icmp.echo_ignore_multicast': 0,
  'net.ipv6.icmp.echo_ignore_anycast': 0,
  'net.ipv6.icmp.ratelimit': 1000,
  'net.ipv6.fwmark_reflect': 0,
  'net.ipv6.conf.all.forwarding': 0,
  'net.ipv4.conf.*.rp_filter': 0,
  'net.ipv4.conf.*.accept_local': 0,
  'net.ipv4.conf.*.route_localnet': 0,
  'net.ipv4.conf.*.src_valid_mark': 0,
  'net.ipv4.conf.*.send_redirects': 1,
  'net.bridge.bridge-nf-call-arptables': 0,
  'net.bridge.bridge-nf-call-iptables': 0,
  'net.bridge.bridge-nf-call-ip6tables': 0,
  'net.netfilter.nf_conntrack_checksum': 1,
  'net.netfilter.nf_conntrack_tcp_be_liberal': 0,
  'net.netfilter.nf_conntrack_tcp_loose': 1,
  'net.netfilter.nf_conntrack_tcp_max_retrans': 3,
  'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 0,
  'net.netfilter.nf_conntrack_acct': 0,
  'net.netfilter.nf_conntrack_max': 262144,
}

/** `net.ipv4.conf.flannel/1.forwarding` → the same setting of `default`, or of the name that stands for any interface. */
const setting = (key: string, of: 'default' | '*'): string => key.replace(/^(net\.ipv[46]\.conf)\.[^.]+\./, `$1.${of}.`)

/** One setting under two names (net/ipv4/devinet.c: ctl_forward_entry). */
const ALIASES: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': 'net.ipv4.conf.all.forwarding',
  'net.ipv4.conf.all.forwarding': 'net.ipv4.ip_forward',
}

export interface SysctlValue {
  readonly value: number
  /** Not in the snapshot: the kernel's default. */
  readonly assumed: boolean
}

/**
 * A numeric setting. sysctl(8) prints interface names with `.` as `/`. Where a listing lacks an interface's own, it is what `default` says, which
 * a new interface begins with (net/ipv4/devinet.c: inetdev_init), and for forwarding what ip_forward says, which sets it everywhere.
 */
export function readSysctl(values: ReadonlyMap<string, string> | undefined, key: string): SysctlValue {
  const given = values?.get(key) ?? values?.get(ALIASES[key] ?? '')
  if (given !== undefined) return { value: Number.parseInt(given, 10) || 0, assumed: false }
  if (/^net\.ipv4\.conf\.[^.]+\.forwarding$/.test(key) && !(key in ALIASES))
    return { ...readSysctl(values, 'net.ipv4.ip_forward'), assumed: values === undefined }
  const begun = /\.conf\.all\./.test(key) ? undefined : values?.get(setting(key, 'default'))
  const value =
    begun === undefined ? (DEFAULTS[key] ?? DEFAULTS[setting(key, '*')] ?? 0) : Number.parseInt(begun, 10) || 0
  return { value, assumed: true }
}

const interfaceKey = (dev: string, setting: string): string => `net.ipv4.conf.${dev.replaceAll('.', '/')}.${setting}`

/** IN_DEV_MAXCONF (include/linux/inetdevice.h): the greater of all and the interface. */
export const interfaceMaximum = (read: (key: string) => number, setting: string, dev: string): number =>
  Math.max(read(interfaceKey('all', setting)), read(interfaceKey(dev, setting)))

/** IN_DEV_ORCONF: all or the interface; `own` (IN_DEV_CONF_GET): the interface alone. */
export const interfaceFlag = (
  read: (key: string) => number,
  setting: string,
  dev: string,
  how: 'or' | 'own',
): boolean => read(interfaceKey(dev, setting)) !== 0 || (how === 'or' && read(interfaceKey('all', setting)) !== 0)
