import { BitmapBody } from './bitmap-body.js'
import type { Body } from './body.js'
import { type Data, KernelError } from './data.js'
import { type Element, type Entry, type Given, isExpired, type Keeps, NO_SKBINFO } from './element.js'
import { HashBody, MOST_BUCKETS } from './hash-body.js'
import { ListBody } from './list-body.js'
import { narrowed } from './narrowed.js'
import type { Header, SetType } from './type.js'
import { bitmapRange, step } from './types/bitmap.js'

/** IPSET_DEFAULT_HASHSIZE, IPSET_MIMINAL_HASHSIZE, IPSET_DEFAULT_MAXELEM, AHASH_INIT_SIZE, AHASH_MAX_SIZE. */
const HASHSIZE = 1024
const LEAST_HASHSIZE = 64
const MAXELEM = 65_536
const [LEAST_BUCKET, MOST_BUCKET] = [2, 12] as const
/** IP_SET_LIST_DEFAULT_SIZE, IP_SET_LIST_MIN_SIZE */
const [LIST_SIZE, LEAST_LIST_SIZE] = [8, 4] as const
/** More buckets than the kernel has memory for (htable_size). */
const TOO_MANY_BUCKETS = 2 ** 28

/** One set. Its elements are changed in place; `clone` makes another one that shares what neither changes. */
export class IpSet {
  readonly type: SetType
  readonly header: Header
  readonly keeps: Keeps
  /** What `create` prints, the kernel's own numbers in it. */
  readonly options: Data
  readonly body: Body

  constructor(type: SetType, header: Header, keeps: Keeps, options: Data, body: Body) {
    this.type = type
    this.header = header
    this.keeps = keeps
    this.options = options
    this.body = body
  }

  clone(): IpSet {
    return new IpSet(this.type, this.header, this.keeps, this.options, this.body.clone())
  }

  /** What an `add` says of the element beside itself; KernelError where the set keeps no such thing. */
  given(data: Data): Given {
    const { keeps } = this
    if (data.timeout !== undefined && keeps.timeout === undefined) throw new KernelError('TIMEOUT')
    if ((data.packets !== undefined || data.bytes !== undefined) && !keeps.counters) throw new KernelError('COUNTER')
    if (data.comment !== undefined && !keeps.comment) throw new KernelError('COMMENT')
    const { skbmark, skbprio, skbqueue } = data
    if ((skbmark !== undefined || skbprio !== undefined || skbqueue !== undefined) && !keeps.skbinfo)
      throw new KernelError('SKBINFO')
    const [mark, markMask] = skbmark ?? [0, 0]
    return {
      nomatch: data.nomatch ?? false,
      timeout: data.timeout ?? keeps.timeout ?? 0,
      packets: data.packets,
      bytes: data.bytes,
      comment: data.comment === '' ? undefined : data.comment,
      skb:
        skbmark || skbprio || skbqueue ? { mark, markMask, priority: skbprio ?? 0, queue: skbqueue ?? 0 } : NO_SKBINFO,
    }
  }

  /** call_ad: adds or deletes all elements that a command means; the first that cannot be ends it. */
  change(adt: 'add' | 'del', data: Data, exist: boolean, now: number): void {
    const start = data.port
    const { first, last } = this.header
    // bitmap_port_uadt looks where the element begins before it looks at anything else
    if (this.type.name === 'bitmap:port' && (start! < first || start! > last)) throw new KernelError('BITMAP_RANGE')
    const given = this.given(data)
    const where = data.nameref === undefined ? undefined : { before: data.before ?? false, reference: data.nameref }
    for (const element of this.#meant(adt, data, exist)) {
      const error =
        this.body instanceof ListBody
          ? adt === 'add'
            ? this.body.add(element, given, exist, true, now, where)
            : this.body.delete(element, now, where)
          : adt === 'add'
            ? this.body.add(element, given, exist, true, now)
            : this.body.delete(element, now)
      if (error && !(error === 'EXIST' && exist)) throw new KernelError(error)
    }
  }

  /** The elements that a command means; of a deletion to which those that are not there do not matter, no more than there are. */
  *#meant(adt: 'add' | 'del', data: Data, exist: boolean): Generator<Element> {
    const { body } = this
    const all = this.type.elements(this.header, data, adt)
    const few =
      adt === 'del' && exist && body instanceof HashBody
        ? narrowed(this.type, this.header, data, () => [...body.entries(0)].map(({ element }) => element))
        : undefined
    if (!few) {
      yield* all
      return
    }
    // what is refused is refused whether there is something or not
    if (few.length === 0) for (const _ of all) break
    for (const one of few) yield* this.type.elements(this.header, one, adt)
  }

  /** ip_set_utest: is the element, or the network as such, in the set? */
  test(data: Data, now: number): boolean {
    for (const element of this.type.elements(this.header, data, 'test')) {
      if (this.body instanceof ListBody) {
        const where = data.nameref === undefined ? undefined : { before: data.before ?? false, reference: data.nameref }
        return this.body.has(element.set!, now, where)
      }
      const host = this.header.family === 6 ? 128 : 32
      const exactly = this.type.lengths(element).some((length) => length !== host)
      const found = this.body.find(element, exactly, ({ extensions }) => !isExpired(this.keeps, extensions, now))
      if (found === undefined) return false
      return found === 'incomplete' || found.extensions.nomatch === (data.nomatch ?? false)
    }
    return false
  }

  entries(now: number): Iterable<Entry> {
    return this.body.entries(now)
  }

  /** What its create line would say now: a table that grew has more buckets. */
  get created(): Data {
    if (!(this.body instanceof HashBody)) return this.options
    const { table } = this.body
    const hashsize = Math.max(this.options.hashsize!, table.hashsize)
    const { bucketsize } = this.options
    return { ...this.options, hashsize, ...(bucketsize === undefined ? {} : { bucketsize: table.bucketsize }) }
  }

  /** mtype_same_set: would a creation with `-exist` leave it as it is? The family is not looked at. */
  isLike({ type, options, keeps, header }: IpSet): boolean {
    const same = (a: unknown, b: unknown) => String(a) === String(b)
    const own = this.options
    return (
      type === this.type &&
      same(own.maxelem, options.maxelem) &&
      same(keeps.timeout, this.keeps.timeout) &&
      same(own.netmask, options.netmask) &&
      same(own.bitmask, options.bitmask) &&
      same(own.markmask, options.markmask) &&
      same([header.first, header.last, header.size], [this.header.first, this.header.last, this.header.size]) &&
      keeps.counters === this.keeps.counters &&
      keeps.comment === this.keeps.comment &&
      keeps.skbinfo === this.keeps.skbinfo
    )
  }
}

/** A new set without elements; KernelError where the kernel refuses. */
export function createSet(type: SetType, data: Data): IpSet {
  const keeps: Keeps = {
    timeout: data.timeout,
    counters: data.counters ?? false,
    comment: data.comments ?? false,
    skbinfo: data.skbinfo ?? false,
  }
  if (type.kind === 'bitmap') return bitmap(type, data, keeps)
  if (type.kind === 'list') {
    const size = Math.max(data.size ?? LIST_SIZE, LEAST_LIST_SIZE)
    const header = { ...NOTHING, family: undefined, size }
    return new IpSet(type, header, keeps, { ...data, size }, new ListBody(keeps))
  }
  return hash(type, data, keeps)
}

const NOTHING = { netmask: undefined, bitmask: undefined, markmask: undefined, first: 0, last: 0, size: 0 } as const

function bitmap(type: SetType, data: Data, keeps: Keeps): IpSet {
  const { first, last } = bitmapRange(type, data)
  const netmask = type.name === 'bitmap:ip' && data.netmask !== 32 ? data.netmask : undefined
  const ports = type.name === 'bitmap:port'
  const header: Header = { ...NOTHING, family: ports ? undefined : 4, netmask, first, last }
  const hosts = step(header)
  const { netmask: _, cidr: __, ...rest } = data
  const options: Data = ports
    ? { ...rest, port: first, portTo: last }
    : { ...rest, family: 4, ip: first, ipTo: last, ...(netmask === undefined ? {} : { netmask }) }
  const body = new BitmapBody(keeps, {
    count: (last - first + 1) / hosts,
    idOf: ({ ip, port }) => (ports ? port! - first : Math.floor(((ip as number) - first) / hosts)),
    elementOf: (id) => (ports ? { port: first + id } : { ip: first + id * hosts }),
    withMac: type.name === 'bitmap:ip,mac',
  })
  return new IpSet(type, header, keeps, options, body)
}

function hash(type: SetType, data: Data, keeps: Keeps): IpSet {
  const family = type.families === 'none' ? undefined : (data.family ?? 4)
  const host = family === 6 ? 128 : 32
  const all = family === 6 ? 2n ** 128n - 1n : 0xffffffff
  if (family !== undefined && data.family === undefined && data.anyFamily) throw new KernelError('INVALID_FAMILY')
  if (data.markmask === 0) throw new KernelError('INVALID_MARKMASK')
  if (data.bitmask === 0 || data.bitmask === 0n) throw new KernelError('INVALID_NETMASK')
  const netmask = data.netmask === host ? undefined : data.netmask
  const bitmask = data.bitmask === all ? undefined : data.bitmask
  const hashsize = 2 ** Math.ceil(Math.log2(Math.max(data.hashsize ?? HASHSIZE, LEAST_HASHSIZE)))
  if (hashsize >= TOO_MANY_BUCKETS) throw new KernelError('ENOMEM')
  const maxelem = data.maxelem ?? MAXELEM
  const bucketsize = even(Math.min(Math.max(data.bucketsize ?? MOST_BUCKET, LEAST_BUCKET), MOST_BUCKET))
  const { netmask: _, bitmask: __, anyFamily: ___, ignored: ____, ...rest } = data
  const options: Data = {
    ...rest,
    hashsize,
    maxelem,
    ...(family === undefined ? {} : { family }),
    ...(netmask === undefined ? {} : { netmask }),
    ...(bitmask === undefined ? {} : { bitmask }),
    ...(data.bucketsize === undefined && data.initval === undefined ? {} : { bucketsize }),
    ...(type.name === 'hash:ip,mark' ? { markmask: data.markmask ?? 0xffffffff } : {}),
  }
  const header: Header = { ...NOTHING, family, netmask, bitmask, markmask: data.markmask }
  const settings = {
    keeps,
    forceadd: data.forceadd ?? false,
    maxelem,
    bucketsize,
    initval: data.initval ?? 0,
    hashsize: Math.min(hashsize, MOST_BUCKETS),
  }
  const laidOut = data.initval !== undefined && hashsize <= MOST_BUCKETS
  return new IpSet(type, header, keeps, options, new HashBody(type, settings, laidOut))
}

const even = (value: number): number => value + (value % 2)

/** Which kinds of things its elements are made of (IPSET_TYPE_*): what sets must have in common to be swapped. */
export function featuresOf({ name, nomatch }: SetType): string {
  const [, pieces = ''] = name.split(':')
  const kinds = pieces
    .split(',')
    .map((piece, i) => (piece === 'ip' || piece === 'net' ? (i === 0 ? 'ip' : 'ip2') : piece))
  return `${kinds.sort().join(',')}${nomatch ? '!' : ''}`
}
