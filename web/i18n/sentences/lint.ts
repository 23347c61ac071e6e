import type { Sentences } from './match.js'

/** What is wrong in the rules, and how it is mended (src/analysis). */
export const LINT: Sentences = {
  'there is no such chain': '没有这条链',
  'policy {0} of {1}': '{1} 的默认策略 {0}',
  'new connections to any port are accepted from whoever uses a certain source port':
    '只要使用某个源端口，到任意端口的新连接都被放行',
  'a sender chooses its own source port: with this one, new connections to every port are accepted':
    '源端口由发送者自己选：用上这个源端口，到任何端口的新连接都被放行',
  'accept ESTABLISHED packets instead (-m conntrack --ctstate RELATED,ESTABLISHED)':
    '改为放行 ESTABLISHED 的包（-m conntrack --ctstate RELATED,ESTABLISHED）',
  'rules stand in legacy tables and in nft tables: a packet has to pass both':
    'legacy 表和 nft 表里都有规则：数据包要通过两者',
  '{0} table {1}': '{0} 表 {1}',
  '{0} rules are loaded by both backends: every packet passes the legacy and the nft rules, and one of {1}-legacy and {2}-nft never shows all of them':
    '{0} 规则由两种后端加载：每个包都要经过 legacy 和 nft 规则，而 {1}-legacy 和 {2}-nft 任何一个都显示不全',
  'stands on the same hooks': '在同样的钩子上',
  'rules stand behind one at which every packet ends': '有规则排在一条终结所有数据包的规则之后',
  'no packet comes here: all that get as far as rule {0} end there, and {1} behind it':
    '没有包会到这里：到达规则 {0} 的包都在那里结束，而{1}在它之后',
  'this rule stands': '这条规则',
  'these {0} rules stand': '这 {0} 条规则',
  'every packet that is left ends here': '剩下的每个包都在此结束',
  'rules jump to this chain, but no packet gets there': '有规则跳到这条链，但没有包能到达',
  'no packet gets to chain {0}: none matches a rule that jumps there': '没有包能到达链 {0}：没有包匹配跳到那里的规则',
  'jumps there': '跳到那里',
  'no rule jumps to this chain': '没有规则跳到这条链',
  'no rule jumps to chain {0}: no packet comes to its {1} rule{2}': '没有规则跳到链 {0}：没有包到它的 {1} 条规则',
  'two base chains stand on one hook with the same priority: which comes first is not written down anywhere':
    '同一钩子上有两条优先级相同的基链：谁先谁后没有任何地方写明',
  '{0} and {1} both have priority {2} on {3}: the one that was loaded first comes first':
    '{0} 和 {1} 在 {3} 上的优先级都是 {2}：先加载的在前',
  'has the same priority': '优先级相同',
  '{0} of the {1} table {2}': '{1} 表 {2} 的 {0}',
  'the policy of INPUT is DROP: flushing the rules locks everybody out':
    'INPUT 的默认策略是 DROP：清空规则会把所有人锁在外面',
  ' -t {0}': ' -t {0}',
  '{0} -F leaves the policy DROP of {1} and takes away every rule that accepts: remote sessions end there':
    '{0} -F 会留下 {1} 的默认策略 DROP，却去掉所有放行的规则：远程会话就此中断',
  '{0} -P {1} ACCEPT before {2} -F; or a last rule that drops, with policy ACCEPT':
    '在 {2} -F 之前先 {0} -P {1} ACCEPT；或者默认策略用 ACCEPT，最后加一条丢弃规则',
  'rule {0}': '规则 {0}',
  'rules {0}{1}': '规则 {0}{1}',
  ' and {0} more': ' 等另外 {0} 条',
  'FORWARD accepts INVALID packets of connections that POSTROUTING would translate: they leave with their inner address':
    'FORWARD 放行 INVALID 的包，而 POSTROUTING 本应转换这些连接：它们会带着内部地址离开',
  'connection tracking calls some packets INVALID (late ones, say); this rule does not translate them, and FORWARD lets them out with the address that was to be hidden':
    '连接跟踪会把一些包（例如迟到的包）判为 INVALID；这条规则不转换它们，FORWARD 又放它们出去，带着本应隐藏的地址',
  'accepts INVALID packets': '放行 INVALID 的包',
  '-I FORWARD -m conntrack --ctstate INVALID -j DROP': '-I FORWARD -m conntrack --ctstate INVALID -j DROP',
  'INPUT lets packets in over IPv6 to ports that it drops over IPv4, whoever sends them':
    'INPUT 经 IPv6 放进某些端口的包，而经 IPv4 时无论谁发来都丢弃',
  'IPv6 INPUT lets {0} in to {1}, which IPv4 drops from everywhere':
    'IPv6 的 INPUT 放 {0} 进入{1}，而 IPv4 对任何来源都丢弃',
  'port {0}': '端口 {0}',
  'ports {0}': '端口 {0}',
  'a rule jumps to a chain without rules': '有规则跳到没有规则的链',
  'chain {0} is empty: the jump does nothing': '链 {0} 是空的：这个跳转什么也不做',
  'a rate limit for all packets only ever counts the first of each connection':
    '本想限制所有包的速率，实际只计每个连接的第一个包',
  'the limit counts new connections, not packets: {0} {1} decided ESTABLISHED ones before':
    '这个限额计的是新连接而不是包：{0} {1} 已先裁决了 ESTABLISHED 的包',
  'decides ESTABLISHED packets': '裁决 ESTABLISHED 的包',
  '{0}, so not all was looked at for {1}': '{0}，因此对 {1} 没有全部检查',
  'a rule logs packets, and nothing limits how many': '有规则记录日志，但没有限制数量',
  'every packet that matches is logged: whoever sends them fills the log':
    '匹配的包都会记入日志：谁发得多，谁就能塞满日志',
  '-m limit --limit 10/minute': '-m limit --limit 10/minute',
  'INPUT drops every new TCP packet that the host sends to itself': 'INPUT 丢弃本机发给自己的所有新 TCP 包',
  'INPUT drops what comes in on lo: programs of this host cannot talk to each other over TCP':
    'INPUT 丢弃从 lo 进来的包：本机的程序之间无法用 TCP 通信',
  '-I INPUT -i lo -j ACCEPT': '-I INPUT -i lo -j ACCEPT',
  '-I INPUT -i lo -j ACCEPT, and -I OUTPUT -o lo -j ACCEPT: OUTPUT drops it as well':
    '-I INPUT -i lo -j ACCEPT，以及 -I OUTPUT -o lo -j ACCEPT：OUTPUT 也丢弃它',
  'a rule sets a mark that ip rule asks for, when the packet has its route already':
    '有规则设置 ip rule 要查的标记，但此时数据包已选好路由',
  'this mark comes too late for "{0}": a packet in {1} has its route already{2}':
    '这个标记对“{0}”来说太迟：{1} 中的包已选好路由{2}',
  ', and only the table mangle has it routed again': '，只有表 mangle 会让它重新路由',
  'mark in -t mangle OUTPUT': '在 -t mangle OUTPUT 中打标记',
  'mark in -t mangle PREROUTING': '在 -t mangle PREROUTING 中打标记',
  'MASQUERADE without a limit by interface, source or mark': '没有按接口、源地址或标记限定的 MASQUERADE',
  'this MASQUERADE takes every new connection, forwarded ones into the inner networks included: they all lose their source address':
    '这条 MASQUERADE 作用于所有新连接，包括转发进内网的：它们都会失去源地址',
  'name the outgoing interface (-o), or the inner networks (-s)': '指明出接口（-o），或内网（-s）',
  'a rule behind the destination NAT asks for the port that packets had before it':
    '目的地址转换之后的规则仍在查转换之前的端口',
  'the packets to this port have another one by now: PREROUTING has sent them to port {0}; ask for that, or for --ctorigdstport':
    '发往这个端口的包此时已换了端口：PREROUTING 已把它们送到端口 {0}；应查那个端口，或用 --ctorigdstport',
  'changes the port before this rule sees the packet': '在这条规则看到包之前改了端口',
  'a rule translates forwarded packets, and nothing is forwarded': '有规则转换被转发的包，但本机不转发',
  'net.ipv4.ip_forward = 0': 'net.ipv4.ip_forward = 0',
  'net.ipv6.conf.all.forwarding = 0': 'net.ipv6.conf.all.forwarding = 0',
  '{0}: this rule translates packets that others send, and this host forwards none':
    '{0}：这条规则转换别人发来的包，而本机不转发任何包',
  'sysctl {0}': 'sysctl {0}',
  '{0}: this rule sends packets to another host, and this one forwards none':
    '{0}：这条规则把包送往另一台主机，而本机不转发任何包',
  'neighbour solicitations': '邻居请求',
  'neighbour advertisements': '邻居通告',
  'the ICMPv6 messages by which IPv6 neighbours find each other are dropped':
    '丢弃了 IPv6 邻居互相发现所用的 ICMPv6 报文',
  '{0} drops IPv6 {1}: no neighbour can be reached over IPv6': '{0} 丢弃 IPv6 {1}：经 IPv6 无法到达任何邻居',
  ' and ': ' 和 ',
  '-I {0} -p ipv6-icmp -m icmp6 --icmpv6-type {1} -j ACCEPT':
    '-I {0} -p ipv6-icmp -m icmp6 --icmpv6-type {1} -j ACCEPT',
  'connections may be opened, but every reply to them is dropped': '可以建立连接，但所有应答都被丢弃',
  'INPUT drops every reply to the TCP connections that this host opens: no rule accepts ESTABLISHED packets':
    'INPUT 丢弃本机所建 TCP 连接的所有应答：没有规则放行 ESTABLISHED 的包',
  'FORWARD lets new TCP connections through, but drops every reply: no rule accepts ESTABLISHED packets':
    'FORWARD 放行新的 TCP 连接，却丢弃所有应答：没有规则放行 ESTABLISHED 的包',
  'chain {0} of table {1}': '表 {1} 的链 {0}',
  'source validation drops what comes in by an interface that routes lead out by':
    '有路由从某接口出去，而源地址验证丢弃从该接口进来的包',
  'a route of table {0} leads out by {1} ({2}), but what comes in there from {3} is dropped: {4}':
    '表 {0} 的路由从 {1} 出去（{2}），但从那里进来、源自 {3} 的包被丢弃：{4}',
  'interface {0}': '接口 {0}',
  'the ICMP messages that path MTU discovery needs are dropped': '丢弃了路径 MTU 发现所需的 ICMP 报文',
  '{0} drops {1}: connections over a path with a smaller MTU hang once they send large packets':
    '{0} 丢弃 {1}：经过 MTU 较小路径的连接，一发大包就会卡住',
  'ICMP "fragmentation needed"': 'ICMP “fragmentation needed”',
  'ICMPv6 "packet too big"': 'ICMPv6 “packet too big”',
  'accept RELATED packets in {0}': '在 {0} 中放行 RELATED 的包',
  'INPUT drops packets to a port that destination NAT sends elsewhere: they pass through FORWARD instead':
    'INPUT 丢弃到某端口的包，但目的地址转换已把它们送往别处：它们走的是 FORWARD',
  'INPUT drops what comes to this port from outside, but INPUT never sees it: this rule sends it on, and FORWARD accepts it':
    'INPUT 丢弃从外部到这个端口的包，但 INPUT 根本见不到它们：这条规则把它们送走，而 FORWARD 放行',
  'OUTPUT redirects connections to a program of this host, its own connections as well':
    'OUTPUT 把连接重定向到本机的一个程序，连它自己的连接也不例外',
  'the program that listens on port {0} cannot make such connections itself: its own packets come back to it':
    '监听端口 {0} 的程序自己无法建立这样的连接：它自己的包又回到它那里',
  'leave its user out: -m owner ! --uid-owner USER': '把它的用户排除在外：-m owner ! --uid-owner USER',
  'route_localnet lets neighbours send to 127.0.0.1, and no rule drops it':
    'route_localnet 使邻居可以发往 127.0.0.1，而没有规则丢弃',
  '{0} = 1: hosts on the link of {1} can reach what listens on 127.0.0.1 only, and no rule drops their packets':
    '{0} = 1：{1} 链路上的主机能到达只监听 127.0.0.1 的服务，而没有规则丢弃它们的包',
  '-t raw -A PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP': '-t raw -A PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP',
  'earlier rules of the chain decide every packet that this rule matches, and decide the opposite':
    '链中更早的规则裁决了这条规则会匹配的所有包，且裁决相反',
  'this {0} never happens: {1} {2} the packets before it': '这个 {0} 永远不会发生：{1} 在它之前 {2} 了这些包',
  '{0}s packets that this rule would {1}': '对这条规则要 {1} 的包执行 {0}',
  'decides packets that this rule would match': '裁决这条规则会匹配的包',
  'put the rule before rule {0}, or delete it': '把这条规则放到规则 {0} 之前，或删除它',
  'the conditions of a rule exclude each other': '规则的条件互相排斥',
  'no packet can match this rule: its conditions exclude each other': '没有包能匹配这条规则：它的条件互相排斥',
  'no packet that comes to the chain matches the rule': '到达该链的包都不匹配这条规则',
  'no packet that comes to {0} matches this rule': '到达 {0} 的包都不匹配这条规则',
  'without this rule the rest of the chain decides its packets alike': '没有这条规则，链的其余部分也会同样裁决这些包',
  'the rule changes nothing: without it, {0} would {1} the same packets':
    '这条规则没有作用：没有它，{0} 也会 {1} 同样的包',
  'would {0} them as well': '也会 {0} 它们',
  'rule {0} of {1}': '{1} 的规则 {0}',
  '{0} more': '另外 {0} 条',
  'the policy of {0}': '{0} 的默认策略',
  'earlier rules of the chain decide every packet that this rule matches, and decide the same':
    '链中更早的规则裁决了这条规则会匹配的所有包，且裁决相同',
  'no packet gets to match this rule: {0} before it let{1} none of them past':
    '没有包会匹配到这条规则：在它之前的{0}一个也不放过去',
  'a rule gives a set fewer or more of src and dst than its type has parts':
    '规则给集合的 src、dst 个数与其类型的部分数不符',
  'nothing is ever found in it': '永远查不到任何内容',
  'only {0} counts': '只有 {0} 起作用',
  'set {0} is of type {1}, and the rule says {2}: {3}': '集合 {0} 的类型是 {1}，而规则写的是 {2}：{3}',
  'a rule asks for a set that does not exist': '规则查询不存在的集合',
  'there is no set {0}: a ruleset with this rule cannot be loaded': '没有集合 {0}：含这条规则的规则集无法加载',
  'a rule of the table raw asks for the state of a connection that is not tracked yet':
    '表 raw 的规则查询尚未被跟踪的连接状态',
  'connection tracking has not seen the packet here: it is INVALID to this rule, unless it came back through lo':
    '连接跟踪在此尚未见到这个包：对这条规则来说它是 INVALID，除非它是从 lo 回来的',
  'ask in the table mangle or filter': '改在表 mangle 或 filter 中查询',
  'a rule names an interface that does not exist': '规则指定的接口不存在',
  'there is no interface {0}: the rule matches nothing now': '没有接口 {0}：这条规则现在什么也不匹配',
  'the sets of packets need more than {0} diagram nodes': '数据包集合需要超过 {0} 个图节点',
}

export const LINT_COMPOSED: Sentences = {
  'rules {0} and {1} more': '规则 {0} 等另外 {1} 条',
  '{0} and {1}': '{0} 和 {1}',
  'this mark comes too late for "{0}": a packet in {1} has its route already, and only the table mangle has it routed again':
    '这个标记对“{0}”来说太迟：{1} 中的包已选好路由，只有表 mangle 会让它重新路由',
}
