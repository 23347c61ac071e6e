/** Names of Ethernet's protocols, as /etc/ethertypes of Debian has them. */
const NAMES: Readonly<Record<string, number>> = {
  IPv4: 0x0800, X25: 0x0805, ARP: 0x0806, FR_ARP: 0x0808, BPQ: 0x08ff, TRILL: 0x22f3, 'L2-IS-IS': 0x22f4, TEB: 0x6558, RAW_FR: 0x6559, RARP: 0x8035,
  ATALK: 0x809b, AARP: 0x80f3, '802_1Q': 0x8100, IPX: 0x8137, NetBEUI: 0x8191, IPv6: 0x86dd, PPP: 0x880b, MPLS: 0x8847, MPLS_MULTI: 0x8848, ATMMPOA: 0x884c,
  PPP_DISC: 0x8863, PPP_SES: 0x8864, ATMFATE: 0x8884, EAPOL: 0x888e, 'S-TAG': 0x88a8, EAP_PREAUTH: 0x88c7, LLDP: 0x88cc, MACSEC: 0x88e5, PBB: 0x88e7,
  MVRP: 0x88f5, PTP: 0x88f7, FCOE: 0x8906, FIP: 0x8914, ROCE: 0x8915, LoWPAN: 0xa0ed,
} // biome-ignore format: a table

const ALIASES: Readonly<Record<string, number>> = {
  ip: 0x0800, ip4: 0x0800, 'ether-arp': 0x0806, '8021q': 0x8100, '1q': 0x8100, '802.1q': 0x8100, ip6: 0x86dd, macinmac: 0x88e7,
} // biome-ignore format: a table

/** In any case of letters. */
export const ethertypeNumber = (name: string): number | undefined =>
  [NAMES, ALIASES].flatMap(Object.entries).find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1] as
    | number
    | undefined

export const ethertypeName = (value: number): string | undefined =>
  Object.keys(NAMES).find((name) => NAMES[name] === value)
