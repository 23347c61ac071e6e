/**
 * Kernel defaults of the settings that decide about packets, for snapshots that do not hold them: [default, what it is for].
 * A `*` stands for an interface. Sources: Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst.
 */
const DEFAULTS: Readonly<Record<string, number>> = {
  'net.ipv4.ip_forward': 0,
  'net.ipv4.ip_default_ttl': 64,
  'net.ipv4.icmp_echo_ignore_all': 0,
  'net.ipv4.icmp_echo_ignore_broadcasts': 1,
  'net.ipv4.fwmark_reflect': 0,
  'net.ipv6.icmp.echo_ignore_all': 0,
  'net.ipv6.fwmark_reflect': 0,
  'net.ipv6.conf.all.forwarding': 0,
  'net.ipv4.conf.*.rp_filter': 0,
  'net.ipv4.conf.*.accept_local': 0,
  'net.ipv4.conf.*.route_localnet': 0,
  'net.ipv4.conf.*.src_valid_mark': 0,
  'net.ipv4.conf.*.send_redirects': 1,
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

/** `net.ipv4.conf.flannel/1.forwarding` → the name that stands for any interface. */
const general = (key: string): string => key.replace(/^(net\.ipv[46]\.conf)\.[^.]+\./, '$1.*.')

export interface SysctlValue {
  readonly value: number
  /** Not in the snapshot: the kernel's default. */
  readonly assumed: boolean
}

/** A numeric setting. sysctl(8) prints interface names with `.` as `/`. */
export function readSysctl(values: ReadonlyMap<string, string> | undefined, key: string): SysctlValue {
  const given = values?.get(key)
  if (given !== undefined) return { value: Number.parseInt(given, 10) || 0, assumed: false }
  if (/^net\.ipv4\.conf\.[^.]+\.forwarding$/.test(key))
    return { ...readSysctl(values, 'net.ipv4.ip_forward'), assumed: values === undefined }
  return { value: DEFAULTS[key] ?? DEFAULTS[general(key)] ?? 0, assumed: true }
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
