import type { Sentences } from './match.js'

/** What was taken for granted when the snapshot was read (src/snapshot). */
export const SNAPSHOT: Sentences = {
  'nothing here is recognised as the output of iptables-save, ip, bridge, sysctl, conntrack or ss':
    '这里没有可识别为 iptables-save、ip、bridge、sysctl、conntrack 或 ss 输出的内容',
  'more than 2 GiB when it is unpacked': '解压后超过 2 GiB',
  'the route "{0}" asks for the source address: left out': '路由“{0}”按源地址选择：略去',
  'the route "{0}" encapsulates: taken without': '路由“{0}”带封装：按没有封装处理',
  '{0} a {1}': '{0} 是 {1}',
  'no `ip -d link`: by what else is known, {0}': '没有 `ip -d link`：按其他已知内容推断，{0}',
  'no ip link or ip addr: no interfaces are known': '没有 ip link 或 ip addr：不知道有哪些接口',
  'no ip route: only the routes that its addresses give': '没有 ip route：只有由地址得出的路由',
  'no ip -6 route: only the routes that its addresses give': '没有 ip -6 route：只有由地址得出的路由',
  'ip route without the table local: made from the addresses': 'ip route 不含表 local：由地址推出',
  'ip -6 route without the table local: made from the addresses': 'ip -6 route 不含表 local：由地址推出',
  "no ip rule: the kernel's own three (local, main, default)": '没有 ip rule：按内核自带的三条（local、main、default）',
  "no ip -6 rule: the kernel's own two (local, main)": '没有 ip -6 rule：按内核自带的两条（local、main）',
  'no iptables-save: taken as without IPv4 rules': '没有 iptables-save：认为没有 IPv4 规则',
  'no ip6tables-save: taken as without IPv6 rules': '没有 ip6tables-save：认为没有 IPv6 规则',
  'no sysctl file: ip_forward, rp_filter and bridge-nf-call-iptables taken as 0, all else as the kernel has it at first':
    '没有 sysctl 文件：ip_forward、rp_filter 和 bridge-nf-call-iptables 认为是 0，其余按内核初始值',
  'no conntrack listing: taken as without connections': '没有 conntrack 列表：认为没有连接',
  'no ipset save: what is in the sets that rules ask for is not known': '没有 ipset save：规则所查集合的内容未知',
  'no bridge -d link: hairpin and isolated taken as off on every bridge port':
    '没有 bridge -d link：认为所有网桥端口都没有开启 hairpin 和 isolated',
  'the sysctl file does not have {0}: taken as 0': 'sysctl 文件里没有 {0}：认为是 0',
  '{0} and {1} have the same address in {2}: taken as not joined': '{0} 和 {1} 在 {2} 中地址相同：认为不相连',
  'share {0}': '同在 {0}',
  'table {0} of {1} is left out: {2} has one, with other rules': '略去 {1} 的表 {0}：{2} 也有一个，规则不同',
  'legacy and nft tables of {0} are both in use: at equal priority the legacy ones are taken to come first':
    '{0} 同时使用 legacy 和 nft 表：优先级相同时认为 legacy 在前',
  'nft chain {0} {1} {2} (hook {3}, priority {4}, {5} {6})': 'nft 链 {0} {1} {2}（钩子 {3}，优先级 {4}，{5} {6}）',
  'the legacy tables that {0}-save mentions ({1}-legacy-save is missing)':
    '{0}-save 提到的 legacy 表（缺少 {1}-legacy-save）',
  'of {0} only {1} was given: {2} taken as without rules': '{0} 只给出了 {1}：认为 {2} 没有规则',
  'their addresses share no subnet': '它们的地址不在同一子网',
  'a neighbour of {0}': '{0} 的邻居',
  'in the forwarding table of {0}': '在 {0} 的转发表中',
  '{0} and {1} could be peers by their ifindexes, but {2}: taken as not joined':
    '按 ifindex，{0} 和 {1} 可能是一对，但{2}：认为不相连',
  '{0} could be joined to {1}: taken as joined to neither': '{0} 可能与 {1} 相连：认为都不相连',
  'veth peers ({0}; {1}{2})': 'veth 对（{0}；{1}{2}）',
  '{0} is ifindex {1}{2}': '{0} 的 ifindex 是 {1}{2}',
  ', netnsid {0}': '，netnsid {0}',
}

export const SNAPSHOT_COMPOSED: Sentences = {
  'veth peers ({0}; {1}; {2})': 'veth 对（{0}；{1}；{2}）',
  '{0} is ifindex {1}, netnsid {2}': '{0} 的 ifindex 是 {1}，netnsid {2}',
  '{0} a {1}, {2}': '{0} 是 {1}，{2}',
}
