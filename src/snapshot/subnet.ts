import { bitsOf, familyOf } from '../address/ip.js'
import { contains, firstOf, type Prefix, parsePrefix, printPrefix } from '../address/prefix.js'

/** Subnets that every host has, or that say nothing about who hears whom. */
const EVERYWHERE = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '::1/128', 'fe80::/10'].map(
  (text) => parsePrefix(text)!,
)

/** Does an interface with this address have others on its link? Not where it is a single address, nor a link-local one. */
export const isLan = (prefix: Prefix): boolean =>
  prefix.length < bitsOf(familyOf(prefix.ip)) && !EVERYWHERE.some((everywhere) => contains(everywhere, prefix.ip))

/** The subnet in which both addresses lie by both prefixes, as text (`10.0.0.0/24`); the narrower where the lengths differ. */
export function shareSubnet(a: Prefix, b: Prefix): string | undefined {
  if (!isLan(a) || !isLan(b) || !contains(a, b.ip) || !contains(b, a.ip)) return undefined
  const narrow = a.length >= b.length ? a : b
  return printPrefix({ ip: firstOf(narrow), length: narrow.length })
}
