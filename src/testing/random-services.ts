type Random = () => number

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!
const some = (random: Random, chance: number): boolean => random() < chance

/** Pods of the sample, pods that no host has, nodes, and somebody outside. */
const ENDS = [
  '10.244.0.2', '10.244.0.3', '10.244.1.2', '10.244.1.3', '10.244.0.77', '10.244.1.78', '10.244.1.79', '10.244.9.9', '192.168.50.11',
  '192.168.50.12', '198.51.100.20',
] // biome-ignore format: a table
const PORTS = [53, 80, 8080, 6443, 9000]

const FILTERS = [
  '-A FORWARD -d 10.244.1.3/32 -j DROP',
  '-A FORWARD -s 10.244.0.3/32 -p tcp -m tcp --dport 8080 -j DROP',
  '-A FORWARD -m conntrack --ctorigdst 10.96.0.1 -j DROP',
  '-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT',
  '-A FORWARD -d 10.244.0.0/24 -m conntrack --ctstate NEW -j REJECT',
  '-A FORWARD -p tcp -m tcp --dport 8080 -j ACCEPT',
  '-A INPUT -p tcp -m tcp --dport 6443 -s 10.244.0.0/16 -j DROP',
  '-A FORWARD -m statistic --mode random --probability 0.5 -j DROP',
  '-A OUTPUT -d 10.244.1.2/32 -j DROP',
]

/** An iptables-save text as a node of the Kubernetes sample could have it, with so many Services of all kinds. */
export function randomServices(random: Random, count: number): string {
  const [chains, rules, rejected]: [string[], string[], string[]] = [[], [], []]
  for (let i = 0; i < count; i++) service(random, i, chains, rules, rejected)
  const filters = FILTERS.filter(() => some(random, 0.35))
  const masquerading = some(random, 0.8) ? ['-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE'] : []
  const cluster = some(random, 0.5)
    ? ['-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE --random-fully']
    : []
  return [
    '*filter', ':INPUT ACCEPT [0:0]', `:FORWARD ${pick(random, ['ACCEPT', 'DROP'])} [0:0]`, ':OUTPUT ACCEPT [0:0]',
    ...filters, ...rejected, '-A FORWARD -s 10.244.0.0/16 -j ACCEPT', '-A FORWARD -d 10.244.0.0/16 -j ACCEPT', 'COMMIT',
    '*nat', ':PREROUTING ACCEPT [0:0]', ':INPUT ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':POSTROUTING ACCEPT [0:0]', ':SERVICES - [0:0]', ':HIDE - [0:0]',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    '-A PREROUTING -j SERVICES', '-A OUTPUT -j SERVICES', '-A HIDE -j MARK --set-xmark 0x4000/0x4000',
    ...rules, ...masquerading, ...cluster, 'COMMIT', '',
  ].join('\n') // biome-ignore format: as the text is
}

function service(random: Random, i: number, chains: string[], rules: string[], rejected: string[]): void {
  const protocol = pick(random, ['tcp', 'tcp', 'udp'])
  const port = pick(random, PORTS)
  const address = pick(random, [
    `10.96.0.${i + 1}`,
    `10.96.0.${i + 1}`,
    `10.96.0.${i + 1}`,
    '192.168.50.11',
    '10.244.0.2',
  ])
  const to = `${some(random, 0.1) ? '' : `-d ${address}/32 `}-p ${protocol} -m ${protocol} --dport ${port}`
  const ends = Array.from({ length: Math.floor(random() * 4) }, () => pick(random, ENDS))
  const at = () => (some(random, 0.9) ? `:${pick(random, PORTS)}` : '')
  if (ends.length === 0) {
    rejected.push(`-A ${pick(random, ['FORWARD', 'OUTPUT'])} ${to} -j REJECT`)
    return
  }
  const kind = random()
  if (kind < 0.1) rules.push(`-A SERVICES ${to} -j DNAT --to-destination 10.244.1.2-10.244.1.3:8080`)
  else if (kind < 0.15) rules.push(`-A PREROUTING ${to} -j REDIRECT --to-ports 6443`)
  else if (kind < 0.25) rules.push(`-A SERVICES ${to} -j DNAT --to-destination ${ends[0]}${at()}`)
  else {
    chains.push(`SVC-${i}`)
    const asked = some(random, 0.3) ? `-s ${pick(random, ['10.244.0.0/16', '10.244.1.0/24', '198.51.100.0/24'])} ` : ''
    rules.push(`-A SERVICES ${asked}${to} -j SVC-${i}`)
    if (some(random, 0.6))
      rules.push(`-A SVC-${i} ! -s 10.244.0.0/16 ${some(random, 0.7) ? to : `-p ${protocol}`} -j HIDE`)
    // another rule sends packets to the same Service
    if (some(random, 0.2))
      rules.push(`-A SERVICES -d 192.168.50.11/32 -p ${protocol} -m ${protocol} --dport ${30000 + i} -j SVC-${i}`)
    for (const [j, end] of ends.entries()) {
      const last = j === ends.length - 1
      chains.push(`SEP-${i}-${j}`)
      rules.push(
        `-A SVC-${i}${last && some(random, 0.9) ? '' : ' -m statistic --mode random --probability 0.5'} -j SEP-${i}-${j}`,
      )
      if (some(random, 0.7)) rules.push(`-A SEP-${i}-${j} -s ${end}/32 -j HIDE`)
      rules.push(
        `-A SEP-${i}-${j} -p ${protocol}${some(random, 0.8) ? ` -m ${protocol}` : ''} -j DNAT --to-destination ${end}${at()}`,
      )
    }
  }
}
