import { describe, expect, test } from 'vitest'
import { dockerTrail } from '../../tests/support/docker-trail.js'
import type { Trail } from '../path/trail.js'
import { briefText } from './brief.js'
import { lineColumns, plainLine, plainText } from './line.js'
import { trailText, verdictLines } from './text.js'

const wide = { width: 80, verbose: false }
const shown = (trail: Trail, options = wide) => plainText(trailText(trail, options))

test('phases of a published port', () => {
  expect(shown(dockerTrail)).toBe(`tcp 198.51.100.9:40000 > 203.0.113.7:8080 syn in eth0 of docker-host
assumed: no sysctl file: rp_filter taken as 0

 1  RECEIVE     docker-host  on eth0
    tcp 198.51.100.9:40000 > 203.0.113.7:8080 syn

 2  PREROUTING  docker-host  in eth0
    conntrack NEW a new connection
    nat       DNAT to 172.17.0.2:5432 by DOCKER rule 1
              (docker-host/iptables-save:20)
      1 -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        1 -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT
            --to-destination 172.17.0.2:5432
      destination 203.0.113.7:8080 → 172.17.0.2:5432

 3  ROUTE       docker-host
    to 172.17.0.2 through docker0
      172.17.0.0/16 dev docker0, by rule 32766: from all lookup main

 4  FORWARD     docker-host  in eth0  out docker0
    filter    ACCEPT by FORWARD rule 3 (docker-host/iptables-save:43)
      1 -A FORWARD -j DOCKER-USER
        1 -A DOCKER-USER -i eth0 -p tcp -m tcp --dport 8080 -j DROP
            => no match: destination port 5432 ≠ 8080 (was 8080 before DNAT by
               DOCKER rule 1)
      3 -A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m comment
          --comment "published \\u202eport \\x1b[31m8080" -m tcp --dport 5432
          -j ACCEPT

 5  POSTROUTING docker-host  out docker0
    nat       ACCEPT policy of POSTROUTING

 6  SEND        docker-host  on docker0
    leaves through docker0

INPUT of docker-host was never run: before routing, DNAT by DOCKER rule 1 made
  the destination 172.17.0.2:5432, which is not local, out docker0: FORWARD is
  asked instead.

Outcome   sent
Where     POSTROUTING on docker-host
Reason    (sent) left through docker0
Packet    tcp 198.51.100.9:40000 > 172.17.0.2:5432, out docker0
Symptom   connected
`)
})

test('one line a chain', () => {
  expect(plainText(briefText(dockerTrail, 80)).split('\n').slice(3, 11)).toEqual([
    'docker-host RECEIVE     eth0      tcp 198.51.100.9:40000 > 203.0.113.7:8080 syn',
    'docker-host PREROUTING  conntrack NEW',
    'docker-host PREROUTING  nat       ACCEPT DOCKER 1',
    'docker-host PREROUTING  DNAT      203.0.113.7:8080 → 172.17.0.2:5432',
    'docker-host ROUTE       forward   172.17.0.0/16 dev docker0',
    'docker-host FORWARD     filter    ACCEPT FORWARD 3',
    'docker-host POSTROUTING nat       ACCEPT policy',
    'docker-host SEND        docker0',
  ])
})

test('the verdict in one line', () => {
  expect(verdictLines(dockerTrail).map(plainLine)).toEqual([
    'sent POSTROUTING on docker-host: tcp 198.51.100.9:40000 > 172.17.0.2:5432 (sent); connected',
  ])
})

test.each([40, 60, 80, 100])('no line is wider than %i columns, but for a word that is', (width) => {
  for (const verbose of [false, true])
    for (const line of trailText(dockerTrail, { width, verbose })) {
      const longest = Math.max(
        0,
        ...plainLine(line)
          .split(' ')
          .map((word) => word.length),
      )
      if (longest < width / 2) expect(lineColumns(line), plainLine(line)).toBeLessThanOrEqual(width)
    }
})

describe('ways that the kernel draws by lot', () => {
  const [branch] = dockerTrail.branches
  const other = (dport: number) => ({
    ...branch!,
    probability: 0.25,
    final: { ...branch!.final, dport },
    steps: branch!.steps.map((step) => (step.kind === 'send' ? { ...step, text: `to port ${dport}` } : step)),
  })
  const trail = { ...dockerTrail, branches: [{ ...branch!, probability: 0.5 }, other(5433), other(5434)] }
  const text = shown(trail)

  test('what they have in common stands once', () => {
    expect(text.match(/PREROUTING {2}docker-host/g)).toHaveLength(1)
    expect(text.match(/ 6 {2}SEND/g)).toHaveLength(3)
  })

  test('each has its probability, and an overview ends it', () => {
    expect(text.split('\n').filter((line) => line.includes('%'))).toEqual([
      '---- probability 50 %: tcp 198.51.100.9:40000 > 172.17.0.2:5432',
      '---- probability 25 %: tcp 198.51.100.9:40000 > 172.17.0.2:5433',
      '---- probability 25 %: tcp 198.51.100.9:40000 > 172.17.0.2:5434',
      '    50 %  sent  docker-host  tcp 198.51.100.9:40000 > 172.17.0.2:5432',
      '    25 %  sent  docker-host  tcp 198.51.100.9:40000 > 172.17.0.2:5433',
      '    25 %  sent  docker-host  tcp 198.51.100.9:40000 > 172.17.0.2:5434',
    ])
  })
})
