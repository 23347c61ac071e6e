import { GATEWAY, hostFiles, type Lesson, tables } from './lesson.js'

const PUBLISHED = 'tcp 198.51.100.9:40000 > 203.0.113.10:8443 in eth0'

/** Address translation. */
export const NAT: readonly Lesson[] = [
  {
    id: 'dnat-and-routing',
    title: { en: 'DNAT comes before the routing decision', zh: 'DNAT 在路由判断之前' },
    text: {
      en: 'Destination NAT happens in PREROUTING, before the kernel decides where the packet goes. SNAT and MASQUERADE happen in POSTROUTING, when everything is decided. Both are chosen once, for the first packet of a connection; everything after is translated by connection tracking, answers the other way round.',
      zh: '目的地址转换发生在 PREROUTING，在内核决定包去哪里之前。SNAT 和 MASQUERADE 发生在 POSTROUTING，这时一切都已决定。两者都只为连接的第一个包选择一次；之后的包由连接跟踪转换，应答则反向转换。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        nat: '-A PREROUTING -i eth0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.20:443',
        filter:
          ':INPUT DROP\n:FORWARD DROP\n-A INPUT -p tcp -m tcp --dport 8443 -j ACCEPT\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      }),
    }),
    packet: PUBLISHED,
    question: {
      en: 'Port 8443 is forwarded to 192.168.1.20:443, and INPUT accepts port 8443. Why does it not work?',
      zh: '8443 端口被转发到 192.168.1.20:443，INPUT 也放行了 8443。为什么不通？',
    },
    choices: [
      {
        en: 'INPUT sees port 443, and drops it',
        zh: 'INPUT 看到的是 443 端口，丢弃了',
        fact: { decidedBy: 'filter INPUT policy' },
      },
      {
        en: 'The packet never comes to INPUT: FORWARD drops it',
        zh: '包根本不经过 INPUT：被 FORWARD 丢弃',
        fact: { decidedBy: 'filter FORWARD policy' },
      },
      { en: 'It works', zh: '是通的', fact: { outcome: 'sent' } },
    ],
    because: {
      en: 'After DNAT the packet is for 192.168.1.20. It is forwarded, so FORWARD decides, and there it has port 443.',
      zh: 'DNAT 之后，包是发给 192.168.1.20 的。它被转发，所以由 FORWARD 裁决，而且在那里端口已是 443。',
    },
    task: {
      text: {
        en: 'Let exactly this service in: port 443 of 192.168.1.20, and nothing else new.',
        zh: '只放行这个服务：192.168.1.20 的 443 端口，别的新连接都不放。',
      },
      checks: [
        { packet: PUBLISHED, outcome: 'sent', dst: '192.168.1.20', dport: 443 },
        { packet: 'tcp 198.51.100.9:40000 > 192.168.1.20:22 in eth0', outcome: 'dropped' },
      ],
      solution: ['iptables -A FORWARD -d 192.168.1.20 -p tcp --dport 443 -j ACCEPT'],
    },
  },
  {
    id: 'from-the-host-itself',
    title: { en: 'The same port, from the host itself', zh: '同一个端口，从本机访问' },
    text: {
      en: 'Packets that this host sends do not pass PREROUTING first: they start in OUTPUT. nat has a chain there too. When a local packet comes back in through lo, its NAT has been decided already, and nat PREROUTING is not asked again.',
      zh: '本机发出的包不会先经过 PREROUTING：它们从 OUTPUT 开始。nat 在那里也有一条链。本机的包经 lo 再次进来时，它的 NAT 早已决定，nat PREROUTING 不会再被询问。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      sockets: 'tcp 0.0.0.0:22',
      iptables: tables({ nat: '-A PREROUTING -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.20:443' }),
    }),
    packet: 'tcp > 203.0.113.10:8443 from gateway',
    question: {
      en: 'From outside port 8443 works. What does the gateway itself get?',
      zh: '从外部访问 8443 是通的。网关自己访问会怎样？',
    },
    choices: [
      { en: 'It works as well', zh: '一样通', fact: { dst: '192.168.1.20' } },
      { en: 'Connection refused', zh: '拒绝连接', fact: { symptom: 'connection refused' } },
      { en: 'A timeout', zh: '超时', fact: { symptom: 'timeout' } },
    ],
    because: {
      en: 'The packet leaves through OUTPUT untouched, comes back through lo, passes PREROUTING without nat, and finds nobody listening on 8443.',
      zh: '包原样经过 OUTPUT，从 lo 回来，经过没有 nat 的 PREROUTING，然后发现 8443 上没有人监听。',
    },
    task: {
      text: {
        en: 'Make 203.0.113.10:8443 reach the server from the gateway too.',
        zh: '让网关自己访问 203.0.113.10:8443 也能到达服务器。',
      },
      checks: [{ packet: 'tcp > 203.0.113.10:8443 from gateway', outcome: 'sent', dst: '192.168.1.20', dport: 443 }],
      solution: [
        'iptables -t nat -A OUTPUT -d 203.0.113.10 -p tcp --dport 8443 -j DNAT --to-destination 192.168.1.20:443',
      ],
    },
  },
  {
    id: 'masquerade',
    title: { en: 'MASQUERADE without a direction', zh: '没有方向的 MASQUERADE' },
    text: {
      en: 'MASQUERADE gives a connection the address of the interface through which it leaves. A rule without -o and -s does so for every connection, in both directions, and servers behind the gateway log the gateway as their only client.',
      zh: 'MASQUERADE 把连接的源地址换成它离开时所用接口的地址。没有 -o 和 -s 的规则会对所有连接、两个方向都这样做，网关后面的服务器就只会记录到一个客户端：网关。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        nat: '-A PREROUTING -i eth0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.20:443\n-A POSTROUTING -j MASQUERADE',
      }),
    }),
    packet: PUBLISHED,
    question: {
      en: 'Which client address does the server 192.168.1.20 see?',
      zh: '服务器 192.168.1.20 看到的客户端地址是？',
    },
    choices: [
      { en: '198.51.100.9', zh: '198.51.100.9', fact: { src: '198.51.100.9' } },
      { en: '203.0.113.10', zh: '203.0.113.10', fact: { src: '203.0.113.10' } },
      { en: '192.168.1.1', zh: '192.168.1.1', fact: { src: '192.168.1.1' } },
    ],
    because: {
      en: 'The packet leaves through lan0, so its source becomes the address of lan0.',
      zh: '包从 lan0 离开，所以源地址变成 lan0 的地址。',
    },
    task: {
      text: {
        en: 'The server shall see the real client; the LAN shall still get out with 203.0.113.10.',
        zh: '让服务器看到真实的客户端；局域网上网仍要使用 203.0.113.10。',
      },
      checks: [
        { packet: PUBLISHED, src: '198.51.100.9', dst: '192.168.1.20' },
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:443 in lan0', src: '203.0.113.10', outcome: 'sent' },
      ],
      solution: ['iptables -t nat -R POSTROUTING 1 -o eth0 -j MASQUERADE'],
    },
  },
  {
    id: 'snat',
    title: { en: 'SNAT: an address of your choice', zh: 'SNAT：自己选定的地址' },
    text: {
      en: 'MASQUERADE takes the address that the outgoing interface has, the one that routing would choose, and forgets the connections when the interface goes away. SNAT says the address itself. Both stand in POSTROUTING, and the first rule that matches decides for the connection.',
      zh: 'MASQUERADE 用的是出接口的地址，也就是路由会选的那个；接口消失时，这些连接也就被忘掉。SNAT 则直接写明地址。两者都在 POSTROUTING，由第一条匹配的规则替整个连接决定。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      links: 'eth0 203.0.113.10/24 203.0.113.25/32\nlan0 192.168.1.1/24',
      iptables: tables({ nat: '-A POSTROUTING -o eth0 -j MASQUERADE' }),
    }),
    packet: 'tcp 192.168.1.25:40000 > 198.51.100.7:25 in lan0',
    question: {
      en: 'The gateway has a second public address, 203.0.113.25, meant for the mail server 192.168.1.25. As which address does the mail server appear outside?',
      zh: '网关还有第二个公网地址 203.0.113.25，打算给邮件服务器 192.168.1.25 用。邮件服务器在外面显示为哪个地址？',
    },
    choices: [
      { en: '203.0.113.25', zh: '203.0.113.25', fact: { src: '203.0.113.25' } },
      { en: '203.0.113.10', zh: '203.0.113.10', fact: { src: '203.0.113.10' } },
      { en: '192.168.1.25', zh: '192.168.1.25', fact: { src: '192.168.1.25' } },
    ],
    because: {
      en: 'MASQUERADE asks routing which address to send from through eth0, and that is the first one, whoever sends.',
      zh: 'MASQUERADE 问的是路由：从 eth0 出去用哪个源地址。答案是第一个地址，与谁发送无关。',
    },
    task: {
      text: {
        en: 'The mail server shall go out as 203.0.113.25, all others as 203.0.113.10.',
        zh: '让邮件服务器以 203.0.113.25 出去，其余的以 203.0.113.10 出去。',
      },
      checks: [
        { packet: 'tcp 192.168.1.25:40000 > 198.51.100.7:25 in lan0', src: '203.0.113.25', outcome: 'sent' },
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:443 in lan0', src: '203.0.113.10', outcome: 'sent' },
      ],
      solution: ['iptables -t nat -I POSTROUTING 1 -s 192.168.1.25 -o eth0 -j SNAT --to-source 203.0.113.25'],
    },
  },
  {
    id: 'redirect',
    title: { en: 'REDIRECT: to this host itself', zh: 'REDIRECT：转给本机' },
    text: {
      en: 'REDIRECT is DNAT to this host itself: whoever the packet was for, it is delivered here, on the port that the rule names. That is how a proxy takes connections that were never meant for it.',
      zh: 'REDIRECT 就是把目的地址转换成本机：不管包原来发给谁，都在这里、在规则指定的端口上交付。代理就是这样接下本不是发给它的连接的。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      sockets: 'tcp 0.0.0.0:22\ntcp 0.0.0.0:3128',
      iptables: tables({ nat: '-A PREROUTING -i lan0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128' }),
    }),
    packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:80 in lan0',
    question: {
      en: 'A laptop asks 198.51.100.7 for a web page. Which destination address has the packet when the proxy gets it?',
      zh: '一台笔记本电脑向 198.51.100.7 请求网页。代理收到包时，目的地址是什么？',
    },
    choices: [
      { en: '198.51.100.7, as it was sent', zh: '198.51.100.7，和发出时一样', fact: { dst: '198.51.100.7' } },
      { en: '192.168.1.1, the address of lan0', zh: '192.168.1.1，lan0 的地址', fact: { dst: '192.168.1.1' } },
      { en: '127.0.0.1', zh: '127.0.0.1', fact: { dst: '127.0.0.1' } },
    ],
    because: {
      en: 'For a packet that arrives, REDIRECT takes the first address of the interface at which it arrived. 127.0.0.1 it is only for what this host sends itself, in OUTPUT.',
      zh: '对到达的包，REDIRECT 用的是到达接口的第一个地址。只有本机自己发出的包（在 OUTPUT 中）才会变成 127.0.0.1。',
    },
    task: {
      text: {
        en: 'Leave 192.168.1.9 alone: its connections shall go out to the internet as they are.',
        zh: '放过 192.168.1.9：它的连接要原样去往互联网。',
      },
      checks: [
        { packet: 'tcp 192.168.1.9:40000 > 198.51.100.7:80 in lan0', outcome: 'sent', dst: '198.51.100.7', dport: 80 },
        { packet: 'tcp 192.168.1.5:40000 > 198.51.100.7:80 in lan0', outcome: 'delivered', dport: 3128 },
      ],
      solution: ['iptables -t nat -I PREROUTING 1 -s 192.168.1.9 -j ACCEPT'],
    },
  },
  {
    id: 'hairpin',
    title: { en: 'Hairpin: the way back is missing', zh: '发夹：回来的路断了' },
    text: {
      en: 'A client in the LAN calls a server in the same LAN by the public address. The gateway turns the packet round. But the server then sees a neighbour, and answers it directly, past the gateway: nobody translates the answer back, and the client resets what it never asked for.',
      zh: '局域网里的客户端用公网地址访问同一局域网里的服务器。网关把包掉头转回去。但服务器看到的客户端是自己的邻居，就绕过网关直接应答：没有人把应答翻译回去，客户端收到的是自己从没请求过的东西，于是复位。',
    },
    snapshot: hostFiles('gateway', {
      ...GATEWAY,
      iptables: tables({
        nat: '-A PREROUTING -d 203.0.113.10/32 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.20:443\n-A POSTROUTING -o eth0 -j MASQUERADE',
      }),
    }),
    packet: 'tcp 192.168.1.5:40000 > 203.0.113.10:8443 in lan0',
    question: {
      en: 'With which source address does the packet reach the server?',
      zh: '包到达服务器时，源地址是什么？',
    },
    choices: [
      { en: '192.168.1.5, the client', zh: '192.168.1.5，客户端', fact: { src: '192.168.1.5' } },
      { en: '192.168.1.1, the gateway', zh: '192.168.1.1，网关', fact: { src: '192.168.1.1' } },
      { en: '203.0.113.10', zh: '203.0.113.10', fact: { src: '203.0.113.10' } },
    ],
    because: {
      en: 'It leaves through lan0, where no rule changes the source. The server answers 192.168.1.5 on the same wire.',
      zh: '它从 lan0 离开，那里没有规则改源地址。服务器在同一条线上直接应答 192.168.1.5。',
    },
    task: {
      text: {
        en: 'Make the answer come back through the gateway, for this service only.',
        zh: '只针对这个服务，让应答经网关返回。',
      },
      checks: [
        { packet: 'tcp 192.168.1.5:40000 > 203.0.113.10:8443 in lan0', src: '192.168.1.1', dst: '192.168.1.20' },
        { packet: PUBLISHED, src: '198.51.100.9', dst: '192.168.1.20' },
      ],
      solution: ['iptables -t nat -A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.20 -p tcp --dport 443 -j MASQUERADE'],
    },
  },
]
