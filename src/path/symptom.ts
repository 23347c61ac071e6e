import type { Answer, Fate } from './fate.js'

/**
 * What a system call reports for each ICMP "destination unreachable" (net/ipv4/icmp.c: icmp_err_convert; net/ipv6/icmp.c:
 * tab_unreach), in the words of strerror(3).
 */
const UNREACHABLE: readonly string[] = [
  'network unreachable', 'no route to host', 'protocol not available', 'connection refused', 'message too long', 'operation not supported',
  'network unreachable', 'host is down', 'machine is not on the network', 'network unreachable', 'no route to host', 'network unreachable',
  'no route to host', 'no route to host', 'no route to host', 'no route to host',
] // biome-ignore format: by code
const UNREACHABLE6: readonly string[] = [
  'network unreachable', 'permission denied', 'no route to host', 'no route to host', 'connection refused', 'permission denied', 'permission denied',
] // biome-ignore format: by code

const ERRNO: Readonly<Record<string, string>> = {
  ENETUNREACH: 'network unreachable',
  EHOSTUNREACH: 'no route to host',
  EACCES: 'permission denied',
  EINVAL: 'invalid argument',
  EPERM: 'operation not permitted',
  EMSGSIZE: 'message too long',
  ECONNREFUSED: 'connection refused',
}

/** What the sender sees of it. */
export function symptomOf(fate: Fate): string {
  switch (fate.outcome) {
    case 'undecided':
      return 'not decided: see the reason'
    case 'sent':
      return 'leaves for the next hop'
    case 'delivered':
      return fate.answer?.kind === 'echo-reply' ? echoSymptom(fate.answer) : 'arrives'
    case 'dropped':
    case 'rejected':
      if (fate.reason === 'synproxy') return 'the handshake goes on with SYNPROXY'
      // a datagram's own call fails where a hook ends it, whatever is answered besides (seen on 6.18)
      if (fate.errno === 'EPERM' && fate.packet.protocol !== 'tcp') return ERRNO['EPERM']!
      if (fate.answer && comesBack(fate.answer)) return answerSymptom(fate.answer)
      // a TCP socket sends its SYN again and again: it does not report what a hook did to a single one (net/ipv4/tcp_output.c: tcp_connect)
      if (fate.errno === undefined || (fate.hook !== undefined && fate.packet.protocol === 'tcp')) return 'timeout'
      return ERRNO[fate.errno] ?? fate.errno
  }
}

const comesBack = ({ fate }: Answer): boolean => fate.outcome === 'delivered' || fate.outcome === 'sent'

const echoSymptom = (answer: Answer): string => (comesBack(answer) ? 'echo reply' : 'timeout: the echo reply is lost')

function answerSymptom({ kind, type, code }: Answer): string {
  if (kind === 'tcp-reset') return 'connection refused'
  if (kind === 'icmp' && type === 3) return UNREACHABLE[code] ?? 'no route to host'
  if (kind === 'icmp6' && type === 1) return UNREACHABLE6[code] ?? 'no route to host'
  if ((kind === 'icmp' && type === 11) || (kind === 'icmp6' && type === 3)) return 'no route to host (time exceeded)'
  if (kind === 'icmp6' && type === 2) return 'message too long (packet too big)'
  return 'an ICMP error'
}
