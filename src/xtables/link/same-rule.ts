import type { AddressMask } from '../address-mask.js'
import type { LinkLanguage } from './language.js'
import type { MacMask } from './option.js'
import { type LinkFields, type LinkRule, printParts } from './rule.js'

/**
 * The rule that -D and -C mean: what ebtables-nft and arptables-nft compare (nft_rule_cmp, nft_bridge_is_same, nft_arp_is_same). ebtables does not look
 * at masks of MAC addresses, arptables neither at MAC addresses nor at opcode, hardware type and length.
 */
export function sameRule(a: LinkRule, b: LinkRule, language: LinkLanguage): boolean {
  const key = language.program === 'ebtables' ? bridgeKey : arpKey
  const [one, other] = [printParts(a.fields, language), printParts(b.fields, language)]
  return key(a.fields) === key(b.fields) && one === other
}

function bridgeKey({ base }: LinkFields): string {
  const inverted = [...base.values()].filter((given) => given.inverted).map(({ option }) => option.flag)
  // 802.3 frames have no number
  const protocol = Math.max(0, (base.get('-p')?.value as number | undefined) ?? 0)
  const macs = ['-s', '-d'].map((flag) => (base.get(flag)?.value as MacMask | undefined)?.mac ?? 0)
  const names = ['-i', '-o', '--logical-in', '--logical-out'].map((flag) => base.get(flag)?.value ?? '')
  return JSON.stringify([inverted.sort(), protocol, macs, names])
}

function arpKey({ base }: LinkFields): string {
  // the length of addresses loses its sign on the way through the kernel
  const inverted = [...base.values()].filter((given) => given.inverted).map(({ option }) => option.flag)
  const addresses = ['-s', '-d'].map((flag) => {
    const given = base.get(flag)?.value as AddressMask | undefined
    return given ? `${given.ip}/${given.mask}` : ''
  })
  const protocol = (base.get('--proto-type')?.value as { readonly value: number } | undefined)?.value ?? 0
  const names = ['-i', '-o'].map((flag) => base.get(flag)?.value ?? '')
  return JSON.stringify([inverted.sort(), addresses, protocol, names])
}
