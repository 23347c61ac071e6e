import type { Direction, Tuple } from './tuple.js'

export type TcpState =
  | 'NONE'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'SYN_SENT2'

/** One side's window as the tracker keeps it (struct ip_ct_tcp_state); sequence numbers modulo 2^32. */
export interface TcpSide {
  end: number
  maxEnd: number
  maxWindow: number
  maxAck: number
  /** Window scale shift. */
  scale: number
  /** IP_CT_TCP_FLAG_* bits. */
  flags: number
}

/** What the tracker of one protocol keeps with a connection. */
export type ProtocolState =
  | {
      readonly kind: 'tcp'
      state: TcpState
      readonly seen: Record<Direction, TcpSide>
      lastDirection: Direction | undefined
      lastIndex: number
      lastSeq: number
      lastAck: number
      lastEnd: number
      lastWindow: number
      lastWscale: number
      lastFlags: number
      retransmits: number
    }
  | { readonly kind: 'udp'; stream: boolean; streamSince: number }
  /** `state` as it prints: SCTP's, '' for the rest. `tags`: SCTP's verification tags; absent where the connection was read from a listing. */
  | { readonly kind: 'other'; state: string; tags?: SctpTags }

/** What SCTP's packets must carry in each direction (ct->proto.sctp), and whether a heartbeat with another tag is waiting for its answer. */
export interface SctpTags {
  /** Undefined: not known. */
  original: number | undefined
  reply: number | undefined
  heartbeatFailed: Direction | undefined
  /** An INIT was seen. */
  readonly begun: Record<Direction, boolean>
}

/** A connection. Mutable: the table of one run owns it. */
export interface Entry {
  readonly original: Tuple
  /** What a reply must look like: NAT changes it before the connection is confirmed. */
  reply: Tuple
  /** IPS_* bits (CT_STATUS of packet/fields.ts). */
  status: number
  mark: number
  readonly zone: number
  /** The zone counts for this direction only (CT --zone-orig, --zone-reply); the other one is in zone 0. */
  readonly zoneDirection?: Direction | undefined
  /** Seconds since the epoch at which it expires; Infinity while unconfirmed. */
  expires: number
  protocol: ProtocolState
  readonly counters: Record<Direction, { packets: number; bytes: number }>
  /** The connection that this one is RELATED to. */
  master: Entry | undefined
  helper: string | undefined
  /** A timeout policy, whose times are not known, and when the connection was last heard of. */
  policy?: { readonly name: string; heard: number }
  /** What the helper remembers of it; left out: nothing yet. */
  helping?: Helping
  /** By how much sequence numbers are shifted, where a helper changed the length of payload. */
  shifts?: Record<Direction, SequenceShift>
  /** What SYNPROXY remembers of a connection that it has begun. */
  synproxy?: Proxying
  /** Bits of connlabel; left out: not known. */
  labels?: Set<number>
  /** The device whose address MASQUERADE took: the connection ends when it leaves by another (struct nf_conn_nat: masq_index). */
  masqueradedOn?: string | undefined
}

/** Sequence numbers behind `position` are shifted by `after`, the others by `before` (struct nf_ct_seqadj). */
export interface SequenceShift {
  position: number
  before: number
  after: number
}

/** SYNPROXY's notes (struct nf_conn_synproxy). */
export interface Proxying {
  /** The cookie, which the client takes for the server's first sequence number. */
  sequence: number
  /** The timestamp that the client was given with it. */
  clock: number
  /** By how much the server's clock is later than that. */
  later: number
}

/** A helper's notes on one connection (nfct_help_data). */
export interface Helping {
  /** FTP: sequence numbers behind the ends of lines, at most two. */
  readonly original: number[]
  readonly reply: number[]
  /** The connection was read from a listing, and what the helper had seen of it before is not known. */
  readonly listed: boolean
  /** SANE: the next answer names a port. */
  started?: boolean
  pptp?: PptpNotes
  sip?: SipNotes
  h323?: H323Notes
  /** What is to be done when the connection ends. */
  end?: () => void
}

/** SIP's numbers of the last messages that were let through, 0 before the first (struct nf_ct_sip_master). Undefined: not known. */
export interface SipNotes {
  registerNumber: number | undefined
  inviteNumber: number | undefined
  /** The port on which a phone listens, where it is not the one that it sends from; 0: the same, as far as was seen. Undefined: not known. */
  forcedPort: number | undefined
}

/** What the helpers of H.323 remember of a connection (struct nf_ct_h323_master). */
export interface H323Notes {
  /** What was told before the snapshot was taken is not known. */
  readonly listed: boolean
  /** So many bytes belong to the header that came in a segment of its own; 0: there was none. Undefined: not known. */
  readonly left: Record<Direction, number | undefined>
  /** The last ports for signalling: as one end has told it, and as the other has heard it; 0 before. */
  readonly signalPort: Record<Direction, number>
  /** Even ports for media, likewise. */
  readonly mediaPorts: Record<Direction, number>[]
  /** RAS: how long a registration counts. Undefined: not known. */
  seconds: number | undefined
}

/** What the helper remembers of a control connection (struct nf_ct_pptp_master, struct nf_nat_pptp). PNS is the client, PAC the server. */
export interface PptpNotes {
  session: 'none' | 'error' | 'stopping' | 'requested' | 'confirmed'
  call: 'none' | 'out-request' | 'out-confirmed' | 'in-request' | 'in-reply' | 'in-confirmed' | 'clearing'
  /** As the server sees it. */
  pnsCallId: number
  pacCallId: number
  /** Before NAT. */
  readonly inner: { pnsCallId: number; pacCallId: number }
}

/** How a packet stands to its connection: IP_CT_* of enum ip_conntrack_info, taken apart. */
export interface Attachment {
  readonly entry: Entry
  readonly direction: Direction
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED'
}

/** What connection tracking made of a packet. `reason` for INVALID: the check that failed. */
export type Tracking =
  /** `unsure`: why the connection may be over already, or be another than it seems. `assumed`: what is taken for true of it. */
  | {
      readonly is: 'tracked'
      readonly attachment: Attachment
      readonly created: boolean
      readonly unsure?: string
      readonly assumed?: string
    }
  /** `attached`: the answer to an untracked packet, which CT takes for one that has its connection. */
  | { readonly is: 'invalid'; readonly reason: string; readonly attached?: boolean }
  | { readonly is: 'untracked' }
  | { readonly is: 'dropped'; readonly reason: string }
