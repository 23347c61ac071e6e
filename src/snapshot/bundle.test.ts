import { expect, test } from 'vitest'
import { readSnapshot } from './index.js'
import { isBeside, placesOf } from './layout.js'

const SOS = 'sosreport-web1-2026-07-01-abcdefg.tar.xz/sosreport-web1-2026-07-01-abcdefg'

test.each([
  [`${SOS}/sos_commands/networking/ip_-o_addr`, 'web1'],
  [`${SOS}/sos_commands/firewall_tables/iptables_-t_nat_-nvL`, 'web1'],
  [`${SOS}/sos_commands/networking/namespaces/blue/ip_netns_exec_blue_iptables-save`, 'web1/blue'],
  [`${SOS}/sos_commands/conntrack/ip_netns_exec_blue_conntrack_-L_-o_extended`, 'web1/blue'],
  [`${SOS}/sos_commands/networking/ip_-s_route`, 'beside'],
  [`${SOS}/sos_commands/process/ps_aux`, 'beside'],
  [`${SOS}/etc/sysctl.conf`, 'beside'],
  ['sosreport-db.00123-20260701123456/sos_commands/kernel/sysctl_-a', 'db'],
  ['eks_i-0abc_2026-07-01_0100-UTC_0.7.8.tar.gz/networking/iptables-save.txt', 'eks_i-0abc_2026-07-01_0100-UTC_0.7.8'],
  ['node-1-2026.tar.gz/node-1/networking/iptablessave', 'node-1'],
  ['node-1-2026.tar.gz/node-1/systeminfo/sysctla', 'node-1'],
  ['scc_gw_260701_1234.txz/scc_gw_260701_1234/network.txt', 'gw'],
  ['scc_gw_260701_1234.txz/scc_gw_260701_1234/network-red.txt', 'gw/red'],
  ['scc_gw_260701_1234/boot.txt', 'beside'],
  ['hosts/gw/iptables-save', 'gw'],
  ['networking/iptables-save', 'networking'],
])('%s: %s', (path, place) => {
  const [found] = placesOf([path])
  expect(isBeside(path) ? 'beside' : [found!.host, found!.namespace].filter((part) => part !== '').join('/')).toBe(
    place,
  )
})

test('a sosreport is one host, with what its commands printed and not what its configuration says', () => {
  const at = (path: string, text: string) => ({ path: `${SOS}/${path}`, text })
  const read = readSnapshot([
    at(
      'sos_commands/networking/ip_-o_addr',
      '2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever\n',
    ),
    at(
      'sos_commands/networking/ip_route_show_table_all',
      'default via 192.0.2.1 dev eth0 \n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10 \n',
    ),
    at('sos_commands/kernel/sysctl_-a', 'net.ipv4.ip_forward = 0\n'),
    at('etc/sysctl.conf', 'net.ipv4.ip_forward = 1\n'),
    at(
      'sos_commands/networking/namespaces/blue/ip_netns_exec_blue_iptables-save',
      '*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n',
    ),
  ])
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const [web1, blue] = read.hosts.namespaces
  expect(read.hosts.namespaces.map(({ host, namespace }) => `${host} ${namespace}`)).toEqual(['web1 ', 'web1 blue'])
  expect(web1!.sysctls?.get('net.ipv4.ip_forward')).toBe('0')
  expect(blue!.tables.map(({ name }) => name)).toEqual(['filter'])
})
