/**
 * Support bundles hold one host in several folders. Where each file belongs: the folders whose last one is the host's name, and a namespace. The
 * names are those of the collectors' sources: sos (sos/report/plugins), the log collectors of EKS, Rancher, Calico and MicroK8s, supportconfig of SUSE.
 */
export interface Bundled {
  readonly folders: readonly string[]
  readonly namespace: string
}

/** Plugins of sos whose files are a host's state; what lies beside them (`etc/`, `proc/`) is what it is to be, or the same once more. */
const SOS_PLUGINS: ReadonlySet<string> = new Set(['networking', 'firewall_tables', 'kernel', 'conntrack'])

/** Folders in which other collectors put the state of one host. */
const PARTS: ReadonlySet<string> = new Set(['networking', 'network', 'sysctls', 'systeminfo', 'diagnostics'])

/** `undefined`: no bundle; `false`: part of one, and not the state of the kernel. */
export function bundled(folders: readonly string[], name: string): Bundled | false | undefined {
  const at = folders.indexOf('sos_commands')
  if (at >= 0) {
    const [plugin = '', sub, namespace] = folders.slice(at + 1)
    if (!SOS_PLUGINS.has(plugin) || !isState(name)) return false
    const host = hostFolders(folders.slice(0, at))
    if (sub === 'namespaces' && namespace !== undefined) return { folders: host, namespace }
    const netns = /^ip_netns_exec_([^_]+)_/.exec(name)?.[1]
    return sub === undefined ? { folders: host, namespace: netns ?? '' } : false
  }
  const top = folders.findIndex((folder) => SOS_NAME.test(folder))
  if (top >= 0) return false
  const last = folders.at(-1) ?? ''
  if (SUSE_NAME.test(last)) {
    if (!/^(network(-.+)?|env)\.txt$/.test(name)) return false
    return { folders: hostFolders(folders), namespace: /^network-(.+)\.txt$/.exec(name)?.[1] ?? '' }
  }
  if (PARTS.has(last) && folders.length > 1) return { folders: hostFolders(folders.slice(0, -1)), namespace: '' }
  return undefined
}

/** Listings of sos that say less of the same, or of another moment: counters, caches, what ethtool knows. */
const isState = (name: string): boolean =>
  !/^(ip_-s_route|ip_route_show_cache|ip_mroute|ip_maddr|ip_mptcp|ethtool|nmcli|tc_|netstat_-s|ss_-s$)/.test(name)

/** `sosreport-HOST-LABEL-2026-07-01-abcdefg`, `sosreport-HOST.CASE-20260701123456`. */
const SOS_NAME = /^sosreport-.+/
/** `scc_HOST_260701_1234`, `nts_…`. */
const SUSE_NAME = /^(scc|nts)_.+_\d{6}_\d{4}/

/** The bundle's folder, called as its host is. */
function hostFolders(folders: readonly string[]): readonly string[] {
  const last = folders.at(-1)
  if (last === undefined) return folders
  const name = last
    .replace(/^sosreport-(.+?)(-\d{4}-\d{2}-\d{2}-\w+|\.\d+-\d{14}|-\d{14})(-obfuscated)?$/, '$1')
    .replace(/^(?:scc|nts)_(.+)_\d{6}_\d{4}$/, '$1')
  return [...folders.slice(0, -1), name]
}
