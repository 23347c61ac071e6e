import { GATEWAY, hostFiles, type Lesson, tables } from './lesson.js'

/** Connection tracking, errors, limits. */
export const STATE: readonly Lesson[] = [
  {
    id: 'states',
    title: { en: 'Connections have a state', zh: '连接是有状态的' },
    text: {
      en: 'Connection tracking stands before almost everything (-200). It gives every packet a state: NEW starts a connection, ESTABLISHED belongs to one that has seen an answer, RELATED is about one (an ICMP error, an FTP data channel), INVALID fits nowhere. A firewall accepts NEW by rule and everything else by state.',
      zh: '连接跟踪几乎排在一切之前（-200）。它给每个包一个状态：NEW 开始一个连接；ESTABLISHED 属于已经见过应答的连接；RELATED 与某个连接有关（ICMP 差错、FTP 数据通道）；INVALID 哪里都不属于。防火墙按规则放行 NEW，其余按状态放行。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        filter:
          ':INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT',
      }),
    }),
    packet: 'tcp > 198.51.100.7:443 from gateway',
    question: {
      en: 'OUTPUT accepts everything. Can the gateway itself open a web page?',
      zh: 'OUTPUT 全部放行。网关自己能打开网页吗？',
    },
    choices: [
      { en: 'Yes: nothing stops its packets', zh: '能：没有东西拦它发出的包', fact: { works: true } },
      { en: 'No: the answers are dropped in INPUT', zh: '不能：应答在 INPUT 被丢弃', fact: { works: false } },
    ],
    because: {
      en: 'The request leaves. Its answer arrives in INPUT with state ESTABLISHED, no rule accepts that, and the policy drops it. Ssh to this host would hang after the first packet for the same reason.',
      zh: '请求出去了。应答以 ESTABLISHED 状态到达 INPUT，没有规则放行它，默认策略就把它丢了。出于同样的原因，连到本机的 ssh 也会在第一个包之后卡住。',
    },
    task: {
      text: {
        en: 'With one rule make both work: web pages from the gateway, ssh to it.',
        zh: '只用一条规则让两者都通：网关上网、外部 ssh 到网关。',
      },
      checks: [
        { packet: 'tcp > 198.51.100.7:443 from gateway', works: true },
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:22 in eth0', works: true },
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0', works: false },
      ],
      solution: ['iptables -I INPUT 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'],
    },
  },
  {
    id: 'icmp-and-mtu',
    title: { en: 'ICMP is not only ping', zh: 'ICMP 不只是 ping' },
    text: {
      en: 'When a packet is too large for a link and may not be fragmented, the router there sends ICMP "fragmentation needed" back. The sender then makes smaller packets. Where that error is dropped, connections open and then hang as soon as much data is sent: a path MTU black hole.',
      zh: '当一个包对某条链路来说太大、又不允许分片时，那里的路由器会回一个 ICMP“需要分片”。发送方随后改发更小的包。如果这个差错被丢弃，连接能建立，但一传大量数据就卡住：这就是路径 MTU 黑洞。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        filter:
          ':FORWARD DROP\n-A FORWARD -i lan0 -o eth0 -j ACCEPT\n-A FORWARD -i eth0 -o lan0 -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT',
      }),
    }),
    packet: 'icmp 198.51.100.1 > 192.168.1.5 type 3 code 4 in eth0 ctstate RELATED',
    question: {
      en: 'A router on the internet reports that a packet of the laptop was too large. Does the report get through?',
      zh: '互联网上的一台路由器报告：笔记本电脑的一个包太大了。这个报告能通过吗？',
    },
    choices: [
      {
        en: 'Yes: it belongs to an established connection',
        zh: '能：它属于一个已建立的连接',
        fact: { outcome: 'sent' },
      },
      {
        en: 'No: the policy of FORWARD drops it',
        zh: '不能：被 FORWARD 的默认策略丢弃',
        fact: { decidedBy: 'filter FORWARD policy' },
      },
      { en: 'No: it is INVALID', zh: '不能：它是 INVALID', fact: { reason: 'conntrack-invalid' } },
    ],
    because: {
      en: 'The error is no TCP, and its state is RELATED, not ESTABLISHED. Rule 2 wants both.',
      zh: '这个差错不是 TCP，状态是 RELATED 而不是 ESTABLISHED。第 2 条规则两样都要。',
    },
    task: {
      text: {
        en: 'Let such errors through, and nothing new from outside.',
        zh: '放行这类差错，但不放行外部发起的新连接。',
      },
      checks: [
        { packet: 'icmp 198.51.100.1 > 192.168.1.5 type 3 code 4 in eth0 ctstate RELATED', outcome: 'sent' },
        { packet: 'tcp 198.51.100.9:40000 > 192.168.1.5:22 in eth0', outcome: 'dropped' },
        { packet: 'icmp 198.51.100.9 > 192.168.1.5 echo-request in eth0', outcome: 'dropped' },
      ],
      solution: ['iptables -A FORWARD -m conntrack --ctstate RELATED -j ACCEPT'],
    },
  },
  {
    id: 'limits',
    title: { en: 'How much, how often', zh: '限速与限量' },
    text: {
      en: '-m limit is a bucket of tokens that all packets of the rule share: it matches as long as there are tokens. A rule that accepts within the limit does not drop what is above it: that packet simply goes on to the next rule.',
      zh: '-m limit 是该规则所有包共用的一个令牌桶：有令牌时才匹配。一条“限速内放行”的规则并不会丢弃超出的部分：超出的包只是继续走下一条规则。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        filter:
          ':INPUT DROP\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min --limit-burst 3 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      }),
    }),
    packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:22 in eth0',
    question: {
      en: 'Somebody tries passwords, a hundred connections a minute. How many of them get in?',
      zh: '有人在试密码，每分钟一百个连接。有多少能进来？',
    },
    choices: [
      { en: 'Three a minute: the limit of rule 2', zh: '每分钟三个：第 2 条的限制', fact: { outcome: 'dropped' } },
      {
        en: 'All: what rule 2 does not take, rule 3 accepts',
        zh: '全部：第 2 条不收的，第 3 条放行',
        fact: { outcome: 'delivered' },
      },
    ],
    because: {
      en: 'The first three meet rule 2, all others rule 3. Either way they are delivered: the limit decides nothing here.',
      zh: '前三个遇到第 2 条，其余的遇到第 3 条。不管哪种都被送达：这个限速什么也没决定。',
    },
    task: {
      text: {
        en: 'Let only 198.51.100.0/24 use ssh, within the limit.',
        zh: '只允许 198.51.100.0/24 在限速内使用 ssh。',
      },
      checks: [
        {
          packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:22 in eth0',
          outcome: 'delivered',
          decidedBy: 'filter INPUT 2',
        },
        { packet: 'tcp 192.0.2.66:40000 > 203.0.113.10:22 in eth0', outcome: 'dropped' },
      ],
      solution: [
        'iptables -D INPUT 3',
        'iptables -R INPUT 2 -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -m limit --limit 3/min --limit-burst 3 -j ACCEPT',
      ],
    },
  },
]
