import type { Headers } from '../path/trail.js'

const hostPort = (address: string, port: number | undefined): string => {
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** `10.0.0.1:40000`, `[2001:db8::1]:22`, without a port `10.0.0.1`. */
export const source = ({ src, sport }: Pick<Headers, 'src' | 'sport'>): string => hostPort(src, sport)
export const destination = ({ dst, dport }: Pick<Headers, 'dst' | 'dport'>): string => hostPort(dst, dport)

/** A packet in one line, as the packet language writes it: `tcp 10.0.0.1:40000 > 10.96.100.7:80 syn`. */
export function packetText(packet: Headers): string {
  const icmp = packet.icmp ? [`type ${packet.icmp.type}`, `code ${packet.icmp.code}`] : []
  const words = [packet.protocol, source(packet), '>', destination(packet), ...icmp]
  if (packet.flags) words.push(packet.flags)
  if (packet.mark !== 0) words.push(`mark ${hex(packet.mark)}`)
  return words.join(' ')
}

export const hex = (value: number): string => `0x${value.toString(16)}`
