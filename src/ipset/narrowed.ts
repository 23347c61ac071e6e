import { type Data, KernelError } from './data.js'
import type { Element } from './element.js'
import { ports, type Span, span } from './ranges.js'
import type { Header, SetType } from './type.js'

/** Ranges up to here are gone through one by one. */
const FEW = 2 ** 16

/**
 * What is left of a deletion of a long range of addresses where those that are not there do not matter (`-exist`): one deletion for each address that the
 * set has, in the range's order. Undefined: it is no such deletion, or a short one.
 */
export function narrowed(type: SetType, header: Header, data: Data, have: () => Iterable<Element>): readonly Data[] | undefined {
  if (!type.name.startsWith('hash:ip') || header.family === 6) return undefined
  if (header.netmask !== undefined || header.bitmask !== undefined || typeof data.ip !== 'number') return undefined
  const { ip, ipTo, cidr, ...rest } = data
  // the mask of hash:ip,mac and the ports of others: elements that the command would make, but for their addresses
  const range = rangeOf(() => span(ip as number, ipTo, cidr))
  const wanted = data.protocol === undefined ? undefined : rangeOf(() => ports(data, 4, 'del').ports)
  if (!range || (data.protocol !== undefined && !wanted)) return undefined
  const lengthOf = ([from, to]: Span) => to - from + 1
  if (lengthOf(range) * (wanted ? lengthOf(wanted) : 1) <= FEW) return undefined
  const found = new Map<string, { readonly ip: number; readonly port: number }>()
  for (const { ip: one, port = 0, protocol } of have())
    if (typeof one === 'number' && within(one, range) && protocol === data.protocol && (!wanted || within(port, wanted)))
      found.set(`${one} ${port}`, { ip: one, port })
  const { portTo: _, ...single } = rest
  return [...found.values()]
    .sort((a, b) => a.ip - b.ip || a.port - b.port)
    .map((one) => ({ ...single, ip: one.ip, ...(wanted ? { port: one.port } : {}) }))
} // biome-ignore format: one thing a line

const within = (value: number, [from, to]: Span): boolean => from <= value && value <= to

/** What the kernel refuses is refused where the elements are made. */
function rangeOf(make: () => Span): Span | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
}
