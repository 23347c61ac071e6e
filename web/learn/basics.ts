import { GATEWAY, hostFiles, type Lesson, tables } from './lesson.js'

const OUTSIDE_SSH = 'tcp 198.51.100.9:40000 > 203.0.113.10:22 in eth0'

/** Hooks, tables, chains, verdicts. */
export const BASICS: readonly Lesson[] = [
  {
    id: 'five-hooks',
    title: { en: 'The five hooks', zh: '五个钩子' },
    text: {
      en: 'On its way through the kernel a packet comes past five places where rules may look at it: PREROUTING right behind the device, INPUT before it is given to a process, FORWARD between two devices, OUTPUT right behind the process that sends, POSTROUTING before it leaves by a device. lo is a device like any other: what a host sends to itself leaves through it, and comes back in.',
      zh: '包在内核里会路过五个可以让规则查看它的地方：PREROUTING 紧跟在设备接收之后，INPUT 在交给进程之前，FORWARD 在两个设备之间，OUTPUT 紧跟在发送进程之后，POSTROUTING 在从设备离开之前。lo 和别的设备一样：主机发给自己的包从 lo 出去，再从 lo 进来。',
    },
    snapshot: hostFiles('gateway', { ...GATEWAY, iptables: tables({ mangle: '', filter: '' }) }),
    packet: 'tcp > 203.0.113.10:22 from gateway',
    question: {
      en: 'A process on the gateway opens a connection to the gateway’s own address. Which hooks does the packet pass?',
      zh: '网关上的进程连接网关自己的地址。这个包经过哪些钩子？',
    },
    choices: [
      { en: 'None: it never leaves the host', zh: '一个也不经过：它没有离开主机', fact: { hooks: [] } },
      { en: 'OUTPUT, INPUT', zh: 'OUTPUT、INPUT', fact: { hooks: ['output', 'input'] } },
      {
        en: 'OUTPUT, POSTROUTING, PREROUTING, INPUT',
        zh: 'OUTPUT、POSTROUTING、PREROUTING、INPUT',
        fact: { hooks: ['output', 'postrouting', 'prerouting', 'input'] },
      },
    ],
    because: {
      en: 'It is sent like any other packet, through OUTPUT and POSTROUTING, to the device lo; lo receives it, and what is received passes PREROUTING and, being for this host, INPUT. Only FORWARD is left out.',
      zh: '它和别的包一样发出，经过 OUTPUT 和 POSTROUTING，到达设备 lo；lo 把它收回来，收到的包经过 PREROUTING，又因为是发给本机的，再经过 INPUT。只有 FORWARD 没有经过。',
    },
    task: {
      text: {
        en: 'No computer of the LAN shall send mail (port 25) to the internet. The gateway itself still shall.',
        zh: '不让局域网里的电脑向互联网发邮件（25 端口）。网关自己仍然可以。',
      },
      checks: [
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:25 in lan0', outcome: 'dropped' },
        { packet: 'tcp > 198.51.100.7:25 from gateway', outcome: 'sent' },
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:443 in lan0', outcome: 'sent' },
      ],
      solution: ['iptables -A FORWARD -i lan0 -p tcp --dport 25 -j DROP'],
    },
  },
  {
    id: 'three-kinds',
    title: { en: 'Three kinds of packet', zh: '三种数据包' },
    text: {
      en: 'Netfilter has five hooks: PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING. No packet passes all of them. Which ones it passes depends on a single thing: whether it is for this host, goes through it, or comes from it. The routing decision behind PREROUTING tells the first two apart.',
      zh: 'Netfilter 有五个钩子：PREROUTING、INPUT、FORWARD、OUTPUT、POSTROUTING。没有哪个包会经过全部五个。经过哪些，只取决于一件事：包是发给本机的、穿过本机的，还是由本机发出的。前两种由 PREROUTING 之后的路由判断来区分。',
    },
    snapshot: hostFiles('gateway', { ...GATEWAY, iptables: tables({ mangle: '', filter: '' }) }),
    packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:443 in lan0',
    question: {
      en: 'A laptop behind this gateway opens a web page on the internet. Which hooks does the packet pass on the gateway?',
      zh: '网关后面的一台笔记本电脑打开互联网上的网页。这个包在网关上经过哪些钩子？',
    },
    choices: [
      {
        en: 'PREROUTING, INPUT, OUTPUT, POSTROUTING',
        zh: 'PREROUTING、INPUT、OUTPUT、POSTROUTING',
        fact: { hooks: ['prerouting', 'input', 'output', 'postrouting'] },
      },
      {
        en: 'PREROUTING, FORWARD, POSTROUTING',
        zh: 'PREROUTING、FORWARD、POSTROUTING',
        fact: { hooks: ['prerouting', 'forward', 'postrouting'] },
      },
      { en: 'FORWARD only', zh: '只有 FORWARD', fact: { hooks: ['forward'] } },
    ],
    because: {
      en: 'The packet is for somebody else, so INPUT never sees it, and no process here sent it, so neither does OUTPUT. A rule in INPUT protects this host; it does nothing for what is forwarded.',
      zh: '包是发给别人的，所以 INPUT 看不到它；也不是本机进程发出的，所以 OUTPUT 也看不到。INPUT 里的规则保护的是本机，对被转发的流量不起作用。',
    },
    task: {
      text: {
        en: 'Make the gateway drop ssh to itself from eth0. Ssh to it from the LAN, and ssh through it, shall still work.',
        zh: '让网关丢弃从 eth0 进来、发给它自己的 ssh。从局域网 ssh 到它、以及穿过它的 ssh 仍然要通。',
      },
      checks: [
        { packet: OUTSIDE_SSH, outcome: 'dropped' },
        { packet: 'tcp 192.168.1.5:40000 > 192.168.1.1:22 in lan0', outcome: 'delivered' },
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:22 in lan0', outcome: 'sent' },
      ],
      solution: ['iptables -A INPUT -i eth0 -p tcp --dport 22 -j DROP'],
    },
  },
  {
    id: 'tables-on-hooks',
    title: { en: 'Tables on the hooks', zh: '钩子上的表' },
    text: {
      en: 'On one hook several tables have a chain. They run by priority, smallest first: raw (-300), connection tracking (-200), mangle (-150), destination NAT (-100), filter (0), security (50), source NAT (100). Whatever an earlier table rewrites, a later one sees rewritten.',
      zh: '同一个钩子上，几张表各有一条链。它们按优先级运行，数字小的在前：raw（-300）、连接跟踪（-200）、mangle（-150）、目的地址转换（-100）、filter（0）、security（50）、源地址转换（100）。前面的表改了什么，后面的表看到的就是改过的样子。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        nat: '-A PREROUTING -i eth0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080',
        filter: ':INPUT DROP\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
      }),
    }),
    packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0',
    question: {
      en: 'Port 80 is redirected to 8080, and INPUT accepts port 80. Does a packet for port 80 get in?',
      zh: '80 端口被重定向到 8080，INPUT 放行 80 端口。发往 80 端口的包能进来吗？',
    },
    choices: [
      { en: 'Yes: rule 1 of INPUT accepts it', zh: '能：INPUT 第 1 条规则放行', fact: { outcome: 'delivered' } },
      {
        en: 'No: the policy of INPUT drops it',
        zh: '不能：被 INPUT 的默认策略丢弃',
        fact: { outcome: 'dropped', decidedBy: 'filter INPUT policy' },
      },
      {
        en: 'No: a packet that was redirected skips INPUT',
        zh: '不能：被重定向的包会跳过 INPUT',
        fact: { hooks: ['prerouting'] },
      },
    ],
    because: {
      en: 'nat PREROUTING (-100) came first: when filter INPUT (0) looks at the packet its destination port is 8080, and the rule asks for 80.',
      zh: 'nat PREROUTING（-100）在前：filter INPUT（0）看到这个包时，目的端口已经是 8080，而规则要的是 80。',
    },
    task: {
      text: {
        en: 'Let the redirected packets in. Port 22 from outside shall stay closed.',
        zh: '放行被重定向的包。外部的 22 端口仍要关闭。',
      },
      checks: [
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0', outcome: 'delivered', dport: 8080 },
        { packet: OUTSIDE_SSH, outcome: 'dropped' },
      ],
      solution: ['iptables -A INPUT -p tcp --dport 8080 -j ACCEPT'],
    },
  },
  {
    id: 'user-chains',
    title: { en: 'Chains of your own', zh: '自定义链' },
    text: {
      en: 'A rule may jump to a chain of your own. That chain has no policy: whoever comes to its end, or to a RETURN, goes on behind the rule that jumped. ACCEPT ends the whole table on this hook, wherever it stands.',
      zh: '规则可以跳转到自定义链。自定义链没有默认策略：走到链尾，或遇到 RETURN，就回到跳转规则的下一条继续。ACCEPT 则不论在哪里，都会结束这个钩子上的整张表。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        filter:
          ':INPUT ACCEPT\n:office -\n-A INPUT -p tcp -m tcp --dport 22 -j office\n-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset\n-A office -s 198.51.100.0/24 -j RETURN\n-A office -j DROP',
      }),
    }),
    packet: OUTSIDE_SSH,
    question: { en: 'Who decides about ssh from 198.51.100.9?', zh: '来自 198.51.100.9 的 ssh 由谁裁决？' },
    choices: [
      { en: 'rule 2 of office: dropped', zh: 'office 第 2 条：丢弃', fact: { decidedBy: 'filter office 2' } },
      { en: 'rule 2 of INPUT: rejected', zh: 'INPUT 第 2 条：拒绝', fact: { decidedBy: 'filter INPUT 2' } },
      { en: 'the policy of INPUT: accepted', zh: 'INPUT 的默认策略：放行', fact: { outcome: 'delivered' } },
    ],
    because: {
      en: 'RETURN is not ACCEPT. It leaves the chain office, and the next rule of INPUT rejects the packet.',
      zh: 'RETURN 不是 ACCEPT。它只是离开 office 链，接着 INPUT 的下一条规则拒绝了这个包。',
    },
    task: {
      text: {
        en: 'Let 198.51.100.0/24 use ssh; everybody else shall still be dropped by office.',
        zh: '允许 198.51.100.0/24 使用 ssh；其他人仍由 office 丢弃。',
      },
      checks: [
        { packet: OUTSIDE_SSH, outcome: 'delivered' },
        { packet: 'tcp 192.0.2.66:40000 > 203.0.113.10:22 in eth0', outcome: 'dropped', decidedBy: 'filter office 2' },
      ],
      solution: ['iptables -R office 1 -s 198.51.100.0/24 -j ACCEPT'],
    },
  },
  {
    id: 'drop-or-reject',
    title: { en: 'DROP, REJECT, and what the other side sees', zh: 'DROP、REJECT，以及对方看到什么' },
    text: {
      en: 'DROP is silence: the sender waits until it gives up. REJECT answers, and the answer decides which error the program gets: an ICMP port unreachable (the default) reads "connection refused", a host-prohibited "no route to host", a TCP reset "connection refused" as well.',
      zh: 'DROP 是沉默：发送方要一直等到超时。REJECT 会回应，回应的类型决定程序得到什么错误：ICMP 端口不可达（默认）是“拒绝连接”，host-prohibited 是“没有到主机的路由”，TCP 复位也是“拒绝连接”。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        filter:
          '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
      }),
    }),
    packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0',
    question: {
      en: 'A rule for port 80 was appended behind the last one of a cloud image. What does the browser say?',
      zh: '在云镜像自带的最后一条规则之后，又追加了一条放行 80 端口的规则。浏览器会看到什么？',
    },
    choices: [
      { en: 'It connects', zh: '连上了', fact: { outcome: 'delivered' } },
      { en: 'Connection refused', zh: '拒绝连接', fact: { symptom: 'connection refused' } },
      { en: 'No route to host', zh: '没有到主机的路由', fact: { symptom: 'no route to host' } },
      { en: 'A timeout', zh: '超时', fact: { outcome: 'dropped' } },
    ],
    because: {
      en: 'Rule 2 takes every packet, so rule 3 is never asked. Its answer, host prohibited, becomes EHOSTUNREACH on the other side, which people mistake for a routing problem.',
      zh: '第 2 条规则收下了所有的包，第 3 条永远轮不到。它回的 host-prohibited 在对方那里变成 EHOSTUNREACH，常被误认为是路由问题。',
    },
    task: {
      text: {
        en: 'Open port 80, and let a closed port (23) say "connection refused".',
        zh: '开放 80 端口，并让关闭的端口（23）显示“拒绝连接”。',
      },
      checks: [
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0', outcome: 'delivered' },
        {
          packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:23 in eth0',
          outcome: 'rejected',
          symptom: 'connection refused',
        },
      ],
      solution: [
        'iptables -D INPUT 3',
        'iptables -I INPUT 2 -p tcp --dport 80 -j ACCEPT',
        'iptables -R INPUT 3 -j REJECT --reject-with icmp-port-unreachable',
      ],
    },
  },
]
