import { GATEWAY, hostFiles, type Lesson, tables } from './lesson.js'

/** Containers, clusters, routing, two backends. */
export const WORLDS: readonly Lesson[] = [
  {
    id: 'docker',
    title: { en: 'Docker and the firewall that is bypassed', zh: 'Docker 与被绕过的防火墙' },
    text: {
      en: "Docker publishes a port with DNAT. ufw writes its rules into INPUT. You know by now which of the two comes first, and which hook the packet takes then. Rules of your own for containers belong into DOCKER-USER, and see the container's port, not the published one.",
      zh: 'Docker 用 DNAT 发布端口。ufw 往 INPUT 写规则。你已经知道哪个在前，之后包又走哪个钩子。针对容器的自定义规则应写进 DOCKER-USER，而它看到的是容器的端口，不是发布的端口。',
    },
    snapshot: 'docker-ufw-host',
    packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 in eth0',
    question: {
      en: 'ufw is on and denies what comes in, but for ssh. A container publishes port 8080. Can the internet reach it?',
      zh: 'ufw 已启用，除 ssh 外拒绝一切进入的流量。一个容器发布了 8080 端口。互联网能访问它吗？',
    },
    choices: [
      {
        en: 'No: the policy of INPUT drops it',
        zh: '不能：被 INPUT 的默认策略丢弃',
        fact: { decidedBy: 'filter INPUT policy' },
      },
      {
        en: 'No: the policy of FORWARD drops it',
        zh: '不能：被 FORWARD 的默认策略丢弃',
        fact: { decidedBy: 'filter FORWARD policy' },
      },
      { en: 'Yes', zh: '能', fact: { outcome: 'delivered', dst: '172.17.0.2' } },
    ],
    because: {
      en: "DNAT made it a packet for the container: INPUT, and with it all of ufw's rules for this host, is never run. Only connection tracking still knows the port that was called.",
      zh: 'DNAT 之后它是发给容器的包：INPUT 以及 ufw 针对本机的所有规则根本不运行。只有连接跟踪还记得当初访问的端口。',
    },
    task: {
      text: {
        en: 'Close port 8080 for what comes in at eth0, in DOCKER-USER, by the port that was called. The host itself shall still reach it.',
        zh: '在 DOCKER-USER 里按“当初访问的端口”，对从 eth0 进来的流量关闭 8080。本机自己仍要能访问。',
      },
      checks: [
        { packet: 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 in eth0', outcome: 'dropped' },
        { packet: 'tcp > 192.0.2.10:8080 from docker-ufw-host', outcome: 'delivered' },
      ],
      solution: ['iptables -I DOCKER-USER 1 -i eth0 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP'],
    },
  },
  {
    id: 'kubernetes-service',
    title: { en: 'From a node to a Service', zh: '从节点到 Service' },
    text: {
      en: "A ClusterIP exists nowhere: no interface has it. kube-proxy writes nat rules that give each new connection to one of the Service's pods. A packet from the node itself meets them in nat OUTPUT, after it was routed, and so it has to be routed once more.",
      zh: 'ClusterIP 不存在于任何接口上。kube-proxy 写下 nat 规则，把每个新连接交给 Service 的某个 Pod。节点自己发出的包在路由之后、在 nat OUTPUT 里遇到这些规则，所以必须再路由一次。',
    },
    snapshot: 'k8s-cluster',
    packet: 'tcp > 10.96.100.7:80 from node1',
    question: {
      en: 'node1 calls the Service 10.96.100.7:80. Which source address does the pod see?',
      zh: 'node1 访问 Service 10.96.100.7:80。Pod 看到的源地址是？',
    },
    choices: [
      { en: '192.168.50.11, the node', zh: '192.168.50.11，节点', fact: { src: '192.168.50.11' } },
      { en: '10.244.0.0, flannel.1 of the node', zh: '10.244.0.0，节点的 flannel.1', fact: { src: '10.244.0.0' } },
      { en: '10.96.100.7, the Service', zh: '10.96.100.7，Service', fact: { src: '10.96.100.7' } },
    ],
    because: {
      en: 'DNAT in OUTPUT makes the pod the destination; the second routing decision finds flannel.1; KUBE-POSTROUTING masquerades what was marked, with the address of flannel.1. Then VXLAN wraps it for the other node, and the outer packet walks through OUTPUT again.',
      zh: 'OUTPUT 里的 DNAT 把目的改成 Pod；第二次路由选中 flannel.1；KUBE-POSTROUTING 对打了标记的包做 MASQUERADE，用的是 flannel.1 的地址。然后 VXLAN 把它封装发往另一个节点，外层包再走一遍 OUTPUT。',
    },
    task: {
      text: {
        en: 'Make node1 refuse the Service 10.96.100.7 to its own processes, with "connection refused". Pods shall still reach it.',
        zh: '让 node1 上的进程访问 Service 10.96.100.7 时得到“拒绝连接”。Pod 仍要能访问。',
      },
      checks: [
        { packet: 'tcp > 10.96.100.7:80 from node1', symptom: 'connection refused' },
        { packet: 'tcp > 10.96.100.7:80 from node1/shell', outcome: 'delivered' },
      ],
      solution: ['iptables -I OUTPUT 1 -p tcp -m conntrack --ctorigdst 10.96.100.7 -j REJECT'],
    },
  },
  {
    id: 'two-uplinks',
    title: { en: 'Policy routing and rp_filter', zh: '策略路由与 rp_filter' },
    text: {
      en: 'ip rule chooses the routing table, by mark for example. rp_filter asks the opposite question of every packet that arrives: would I send an answer to this source through the interface it came from? In strict mode (1), a no is a silent drop, and no table of iptables ever sees more of it than PREROUTING.',
      zh: 'ip rule 选择路由表，例如按标记。rp_filter 对每个到达的包反过来问：给这个源地址回包时，会从它进来的接口出去吗？严格模式（1）下，答案为否就悄悄丢弃，除 PREROUTING 外，iptables 的任何表都看不到它。',
    },
    snapshot: hostFiles('gateway', {
      links: 'eth0 203.0.113.10/24\nwan1 198.18.0.2/24\nlan0 192.168.1.1/24',
      routes: 'default via 203.0.113.1 dev eth0\ndefault via 198.18.0.1 dev wan1 table 100',
      rules: '100:\tfrom all fwmark 0x1 lookup 100',
      sysctl:
        'net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.wan1.rp_filter = 1\nnet.ipv4.conf.eth0.rp_filter = 1\nnet.ipv4.conf.lan0.rp_filter = 1',
      sockets: 'tcp 0.0.0.0:22',
      iptables: tables({
        mangle: '-A PREROUTING -i lan0 -j MARK --set-xmark 0x1/0xffffffff',
        filter: '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      }),
    }),
    packet: 'tcp 8.8.8.8:40000 > 198.18.0.2:22 in wan1',
    question: {
      en: 'Somebody on the internet calls ssh on the second uplink. What happens?',
      zh: '互联网上有人从第二条上联访问 ssh。结果如何？',
    },
    choices: [
      { en: 'INPUT rule 1 accepts it', zh: 'INPUT 第 1 条放行', fact: { outcome: 'delivered' } },
      { en: 'rp_filter drops it', zh: '被 rp_filter 丢弃', fact: { reason: 'rp_filter' } },
      { en: 'There is no route to it', zh: '没有路由', fact: { reason: 'no-route' } },
    ],
    because: {
      en: 'The way back to 8.8.8.8 leads, without a mark, through eth0. The packet came in through wan1: strict mode drops it.',
      zh: '没有标记时，回 8.8.8.8 的路走 eth0。而包是从 wan1 进来的：严格模式把它丢弃。',
    },
    task: {
      text: {
        en: 'Let it in with a single sysctl, without switching source validation off.',
        zh: '只改一个 sysctl 让它进来，但不要关闭源地址校验。',
      },
      checks: [
        { packet: 'tcp 8.8.8.8:40000 > 198.18.0.2:22 in wan1', outcome: 'delivered' },
        { packet: 'tcp 8.8.8.8:40000 > 192.168.1.1:22 in lan0', outcome: 'dropped' },
      ],
      solution: ['sysctl -w net.ipv4.conf.wan1.rp_filter=2'],
    },
  },
  {
    id: 'two-backends',
    title: { en: 'Two firewalls on one hook', zh: '同一钩子上的两套防火墙' },
    text: {
      en: "iptables-legacy and iptables-nft (or firewalld's nft tables) can be loaded at once. Each has its own chains on the same hooks. ACCEPT ends one base chain, and the next one on the hook still runs; DROP ends everything.",
      zh: 'iptables-legacy 和 iptables-nft（或 firewalld 的 nft 表）可以同时加载，各自在相同的钩子上有自己的链。ACCEPT 只结束一条基础链，钩子上的下一条照样运行；DROP 则结束一切。',
    },
    snapshot: hostFiles('host', {
      ...GATEWAY,
      iptables: tables({
        filter: ':INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
      }),
      legacy: tables({ filter: '-A INPUT -p tcp -m tcp --dport 80 -j DROP' }),
    }),
    packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0',
    question: {
      en: 'iptables-nft accepts port 80, iptables-legacy drops it. Who wins?',
      zh: 'iptables-nft 放行 80 端口，iptables-legacy 丢弃。谁说了算？',
    },
    choices: [
      { en: 'ACCEPT: nft is the newer one', zh: 'ACCEPT：nft 更新', fact: { outcome: 'delivered' } },
      {
        en: 'DROP: every chain on the hook has to accept',
        zh: 'DROP：钩子上的每条链都得放行',
        fact: { outcome: 'dropped' },
      },
    ],
    because: {
      en: 'Whichever runs first: one drop is enough.',
      zh: '不管谁先运行：一个 DROP 就够了。',
    },
    task: {
      text: { en: 'Open port 80 by changing the legacy rules alone.', zh: '只改 legacy 的规则来开放 80 端口。' },
      checks: [
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:80 in eth0', outcome: 'delivered' },
        { packet: 'tcp 198.51.100.9:40000 > 203.0.113.10:8080 in eth0', outcome: 'dropped' },
      ],
      solution: ['iptables-legacy -D INPUT -p tcp --dport 80 -j DROP'],
    },
  },
]
