import type { Ip } from '../address/ip.js'
import type { Mac } from '../address/mac.js'

/** What a command line says of a set or an element: one key for each option that libipset knows (enum ipset_opt). */
export interface Data {
  family?: 4 | 6 | undefined
  /** `family any` was said, of which no set can be. */
  anyFamily?: true
  ip?: Ip
  ipTo?: Ip
  cidr?: number
  ip2?: Ip
  ip2To?: Ip
  cidr2?: number
  port?: number
  portTo?: number
  protocol?: number
  mark?: number
  ether?: Mac
  iface?: string
  physdev?: true
  name?: string
  nameref?: string
  before?: true
  // of an element
  timeout?: number
  packets?: bigint
  bytes?: bigint
  comment?: string
  skbmark?: readonly [mark: number, mask: number]
  skbprio?: number
  skbqueue?: number
  nomatch?: true
  wildcard?: true
  // of a set
  hashsize?: number
  maxelem?: number
  netmask?: number
  bitmask?: Ip
  bucketsize?: number
  initval?: number
  markmask?: number
  size?: number
  counters?: true
  comments?: true
  skbinfo?: true
  forceadd?: true
  /** Options that once meant something, as they were said. */
  ignored?: readonly string[]
}

export type DataKey = keyof Data

/**
 * How the real program ends: `session` errors name the line of a restore, the others do not; `parameter` ones point to the help. `forgets`: it
 * complains, forgets what it has read, and complains of that.
 */
export type ErrorKind = 'session' | 'warning' | 'forgets' | 'parameter' | 'other'

/** What ipset complains about, in its words. */
export class IpsetError extends Error {
  override readonly name = 'IpsetError'
  readonly kind: ErrorKind
  /** Which word of the command is wrong, from 0 (the command's name); undefined: the whole. */
  readonly word: number | undefined
  /** `-q` was said: the real program prints nothing. */
  quiet = false

  constructor(message: string, kind: ErrorKind = 'session', word?: number) {
    super(message)
    this.kind = kind
    this.word = word
  }
}

/** The kernel's answer to a command (enum ipset_errno of <linux/netfilter/ipset/ip_set.h>, and errno). */
export type Errno =
  | 'ENOENT' | 'EEXIST' | 'EINVAL' | 'ERANGE' | 'ENOMEM' | 'PROTOCOL' | 'FIND_TYPE' | 'BUSY' | 'EXIST_SETNAME2' | 'TYPE_MISMATCH' | 'EXIST'
  | 'INVALID_CIDR' | 'INVALID_NETMASK' | 'INVALID_FAMILY' | 'TIMEOUT' | 'REFERENCED' | 'IPADDR_IPV4' | 'IPADDR_IPV6' | 'COUNTER'
  | 'COMMENT' | 'INVALID_MARKMASK' | 'SKBINFO' | 'BITMASK_NETMASK_EXCL'
  | 'BITMAP_RANGE' | 'BITMAP_RANGE_SIZE' | 'HASH_FULL' | 'HASH_ELEM' | 'INVALID_PROTO' | 'MISSING_PROTO' | 'HASH_RANGE_UNSUPPORTED'
  | 'HASH_RANGE' | 'NAME' | 'LOOP' | 'BEFORE' | 'NAMEREF' | 'LIST_FULL' | 'REF_EXIST' // biome-ignore format: a list

export class KernelError extends Error {
  override readonly name = 'KernelError'
  readonly code: Errno

  constructor(code: Errno) {
    super(code)
    this.code = code
  }
}

export type Command = 'create' | 'add' | 'del' | 'test' | 'destroy' | 'flush' | 'rename' | 'swap' | 'list' | 'save'

/** lib/errcode.c: what libipset says for each answer; by command where that makes a difference. */
const MESSAGES: Readonly<Record<Errno, string | Partial<Record<Command, string>>>> = {
  ENOENT: 'The set with the given name does not exist',
  EEXIST: { create: 'Set cannot be created: set with the same name already exists' },
  EINVAL: 'Kernel error received: Invalid argument',
  ERANGE: 'The specified range is too large, split it up into smaller ranges',
  ENOMEM: 'Kernel error received: Cannot allocate memory',
  PROTOCOL: 'Kernel error received: ipset protocol error',
  FIND_TYPE: 'Kernel error received: set type not supported',
  BUSY: { destroy: 'Set cannot be destroyed: it is in use by a kernel component' },
  EXIST_SETNAME2: {
    rename: 'Set cannot be renamed: a set with the new name already exists',
    swap: 'Sets cannot be swapped: the second set does not exist',
  },
  TYPE_MISMATCH: { swap: 'The sets cannot be swapped: their type does not match' },
  EXIST: {
    add: "Element cannot be added to the set: it's already added",
    del: "Element cannot be deleted from the set: it's not added",
  },
  INVALID_CIDR: 'The value of the CIDR parameter of the IP address is invalid',
  INVALID_NETMASK: 'The value of the netmask parameter is invalid',
  INVALID_FAMILY: 'Protocol family not supported by the set type',
  TIMEOUT: 'Timeout cannot be used: set was created without timeout support',
  REFERENCED: { rename: 'Set cannot be renamed: it is in use by another system' },
  IPADDR_IPV4: 'An IPv4 address is expected, but not received',
  IPADDR_IPV6: 'An IPv6 address is expected, but not received',
  COUNTER: 'Packet/byte counters cannot be used: set was created without counter support',
  COMMENT: 'Comment cannot be used: set was created without comment support',
  INVALID_MARKMASK: 'The value of the markmask parameter is invalid',
  SKBINFO: 'Skbinfo mapping cannot be used: set was created without skbinfo support',
  BITMASK_NETMASK_EXCL: 'netmask and bitmask options are mutually exclusive, provide only one',
  BITMAP_RANGE: 'Element is out of the range of the set',
  BITMAP_RANGE_SIZE: 'The range you specified exceeds the size limit of the set type',
  HASH_FULL: 'Hash is full, cannot add more elements',
  HASH_ELEM: 'Null-valued element, cannot be stored in a hash type of set',
  INVALID_PROTO: 'Invalid protocol specified',
  MISSING_PROTO: 'Protocol missing, but must be specified',
  HASH_RANGE_UNSUPPORTED: 'Range is not supported in the "net" component of the element',
  HASH_RANGE: 'Invalid range, covers the whole address space',
  NAME: 'Set to be added/deleted/tested as element does not exist.',
  LOOP: 'Sets with list:set type cannot be added to the set.',
  BEFORE: 'No reference set specified.',
  NAMEREF: "The set to which you referred with 'before' or 'after' does not exist.",
  LIST_FULL: 'The set is full, more elements cannot be added.',
  REF_EXIST: "The set to which you referred with 'before' or 'after' is not added to the set.",
}

export function kernelMessage(code: Errno, command: Command): string {
  const message = MESSAGES[code]
  return (typeof message === 'string' ? message : message[command]) ?? `Kernel error received: ${code}`
}
