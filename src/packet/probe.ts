import { printIp } from '../address/ip.js'
import { ARP_FIELDS, type ArpField, arpAddress, arpField, isIp, octets, printArpField } from './arp.js'
import type { Packet } from './packet.js'
import { ABSENT, THERE } from './probe/answer.js'
import { type BpfInstruction, bpfAnswer } from './probe/bpf.js'
import {
  type ExtensionHeader,
  eui64,
  type HeaderOption,
  headerField,
  headerOptions,
  headerState,
  headersBits,
  routeAddresses,
  segment,
  segmentsSound,
} from './probe/headers6.js'
import { type ChunkFlags, dccpOption, sctpChunks, tcpOption } from './probe/options.js'
import { type TextSought, textFound, type WordStep, wordAt } from './probe/text.js'

export { ABSENT, BROKEN, THERE } from './probe/answer.js'
export { type BpfInstruction, bpfProblem } from './probe/bpf.js'
export { type ExtensionHeader, HEADER_BITS, HEADER_PROTOCOL, type HeaderOption } from './probe/headers6.js'
export type { ChunkFlags } from './probe/options.js'
export type { WordStep } from './probe/text.js'

/**
 * What rules look for in a packet's bytes beyond fields at a fixed place. Data, so that it can be compared and printed; `runProbe` has what
 * each finds. A probe that finds nothing to look at answers `undefined`.
 */
export type Probe =
  /** ABSENT or THERE; the header has to be readable (`tcp.header`). */
  | { readonly find: 'tcp-option'; readonly kind: number }
  /** ABSENT, THERE or BROKEN. */
  | { readonly find: 'dccp-option'; readonly kind: number }
  /** ABSENT, THERE or BROKEN: do the chunks match (`any`, `all`, `only` of these types)? */
  | {
      readonly find: 'sctp-chunks'
      readonly mode: 'any' | 'all' | 'only'
      readonly types: readonly number[]
      readonly flags: readonly ChunkFlags[]
    }
  /** ABSENT, THERE, or BROKEN where the headers cannot be followed or the first `length` bytes of this one are cut off. `whole`: ABSENT where the packet ends before the header does. */
  | {
      readonly find: 'extension-header'
      readonly header: ExtensionHeader
      readonly length: number
      readonly whole?: boolean
    }
  /** `bytes` bytes at `at` of the first header of this kind, as a number. */
  | {
      readonly find: 'extension-field'
      readonly header: ExtensionHeader
      readonly at: number
      readonly bytes: 1 | 2 | 4
    }
  /** ABSENT or THERE: do the options begin with these? `length` undefined: any. */
  | {
      readonly find: 'header-options'
      readonly header: 0 | 60
      readonly options: readonly HeaderOption[]
    }
  /** ABSENT, THERE or BROKEN: the addresses of a type 0 routing header, all of them in order, or (`loose`) these among others. */
  | { readonly find: 'route-addresses'; readonly addresses: readonly bigint[]; readonly loose: boolean }
  /** An address of the segment routing header. */
  | { readonly find: 'segment'; readonly which: 'previous' | 'next' | 'last' }
  /** ABSENT or THERE: a segment routing header has no more segments left than its last entry says. */
  | { readonly find: 'segments-sound' }
  /** Which headers a packet has, as bits (MASK_* of <linux/netfilter_ipv6/ip6t_ipv6header.h>). */
  | { readonly find: 'headers' }
  /** THERE where the interface half of the source address is made of the source MAC, else ABSENT. */
  | { readonly find: 'eui64' }
  /** ABSENT or THERE. */
  | ({ readonly find: 'text' } & TextSought)
  /** A word of four bytes, worked on (the u32 match). */
  | { readonly find: 'word'; readonly at: number; readonly steps: readonly WordStep[] }
  /** Of ARP over Ethernet. */
  | { readonly find: 'arp'; readonly field: ArpField }
  /** Of ARP whose addresses have the lengths that it says: sender and target address of IPv4 and target MAC, where they lie then. */
  | { readonly find: 'arp-sender' | 'arp-target' | 'arp-target-mac' }
  /** THERE where that sender and target are the same, else ABSENT. */
  | { readonly find: 'arp-gratuitous' }
  /** Bytes of a frame that holds no IP, or with `ip` of any, counted from behind its Ethernet header and tags. */
  | { readonly find: 'payload'; readonly at: number; readonly bytes: 1 | 2 | 3 | 4 | 6; readonly ip?: true }
  /** What a program of the classic BPF returns. */
  | { readonly find: 'bpf'; readonly program: readonly BpfInstruction[] }

export function runProbe(probe: Probe, packet: Packet): number | bigint | undefined {
  switch (probe.find) {
    case 'tcp-option':
      return tcpOption(packet, probe.kind)
    case 'dccp-option':
      return dccpOption(packet, probe.kind)
    case 'sctp-chunks':
      return sctpChunks(packet, probe.mode, probe.types, probe.flags)
    case 'extension-header':
      return headerState(packet, probe.header, probe.length, probe.whole ?? false)
    case 'extension-field':
      return headerField(packet, probe.header, probe.at, probe.bytes)
    case 'header-options':
      return headerOptions(packet, probe.header, probe.options)
    case 'route-addresses':
      return routeAddresses(packet, probe.addresses, probe.loose)
    case 'segment':
      return segment(packet, probe.which)
    case 'segments-sound':
      return segmentsSound(packet)
    case 'headers':
      return headersBits(packet)
    case 'eui64':
      return eui64(packet)
    case 'text':
      return textFound(packet, probe) ? THERE : ABSENT
    case 'word':
      return wordAt(packet, probe.at, probe.steps)
    case 'bpf':
      return bpfAnswer(packet, probe.program)
    case 'arp':
      return arpField(packet, probe.field)
    case 'payload':
      return isIp(packet) && !probe.ip ? undefined : octets(packet.bytes, probe.at, probe.bytes)
    case 'arp-sender':
    case 'arp-target':
    case 'arp-target-mac':
      return arpAddress(packet, probe.find)
    case 'arp-gratuitous':
      return arpAddress(packet, 'arp-sender') === arpAddress(packet, 'arp-target') ? THERE : ABSENT
  }
}

/** How many bits an answer has, for those who reckon with all values. */
export function probeBits(probe: Probe): number {
  switch (probe.find) {
    case 'segment':
      return 128
    case 'word':
    case 'bpf':
      return 32
    case 'extension-field':
      return probe.bytes * 8
    case 'headers':
      return 8
    case 'arp':
      return ARP_FIELDS[probe.field].bytes * 8
    case 'arp-sender':
    case 'arp-target':
      return 32
    case 'arp-target-mac':
      return 48
    case 'payload':
      return probe.bytes * 8
    default:
      return 2
  }
}

const HEADER_NAMES: Readonly<Record<ExtensionHeader, string>> = {
  0: 'hop-by-hop header',
  43: 'routing header',
  44: 'fragment header',
  51: 'authentication header',
  60: 'destination options header',
}

/** What people call it. */
export function probeLabel(probe: Probe): string {
  switch (probe.find) {
    case 'tcp-option':
      return `TCP option ${probe.kind}`
    case 'dccp-option':
      return `DCCP option ${probe.kind}`
    case 'sctp-chunks':
      return `SCTP chunks (${probe.mode} of ${probe.types.length === 256 ? 'all types' : `types ${probe.types.join(', ')}`})`
    case 'extension-header':
      return HEADER_NAMES[probe.header]
    case 'extension-field':
      return `byte ${probe.at} of the ${HEADER_NAMES[probe.header]}`
    case 'header-options':
      return `options ${probe.options.map(({ type }) => type).join(', ')} of the ${HEADER_NAMES[probe.header]}`
    case 'route-addresses':
      return 'addresses of the routing header'
    case 'segment':
      return `${probe.which} segment`
    case 'segments-sound':
      return 'segments left of the segment routing header'
    case 'headers':
      return 'IPv6 headers'
    case 'eui64':
      return 'source address made of the source MAC'
    case 'text':
      return `text between byte ${probe.from} and ${probe.to}`
    case 'word':
      return [`word at ${probe.at}`, ...probe.steps.map((step) => `${step.do} 0x${step.number.toString(16)}`)].join(' ')
    case 'arp':
      return ARP_FIELDS[probe.field].label
    case 'arp-sender':
      return ARP_FIELDS.spa.label
    case 'arp-target':
      return ARP_FIELDS.tpa.label
    case 'arp-target-mac':
      return ARP_FIELDS.tha.label
    case 'arp-gratuitous':
      return 'gratuitous ARP'
    case 'payload':
      return `byte ${probe.at} of the frame`
    case 'bpf':
      return `BPF program of ${probe.program.length} instructions`
  }
}

const ANSWERS: ReadonlySet<Probe['find']> = new Set([
  'tcp-option', 'dccp-option', 'sctp-chunks', 'extension-header', 'header-options', 'route-addresses', 'segments-sound', 'eui64', 'text', 'arp-gratuitous',
]) // biome-ignore format: a list

/** An answer as people read it. */
export function printAnswer(probe: Probe, answer: number | bigint): string {
  if (probe.find === 'arp') return printArpField(probe.field, Number(answer))
  if (probe.find === 'arp-sender' || probe.find === 'arp-target') return printArpField('spa', Number(answer))
  if (probe.find === 'arp-target-mac') return printArpField('tha', Number(answer))
  if (ANSWERS.has(probe.find)) return ['not there', 'there', 'broken'][Number(answer)] ?? `${answer}`
  return typeof answer === 'bigint' ? printIp(answer) : `0x${answer.toString(16)}`
}
