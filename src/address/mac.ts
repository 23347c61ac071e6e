/** A MAC address: a 48-bit number. */
export type Mac = number

export const BROADCAST_MAC: Mac = 0xffffffffffff
/** The group bit: the least significant bit of the first octet (IEEE 802). */
export const isMulticastMac = (mac: Mac): boolean => (Math.floor(mac / 2 ** 40) & 1) === 1

/** Six octets in hex between colons or dashes. `undefined` where it is none. */
export function parseMac(text: string): Mac | undefined {
  return /^[\da-f]{1,2}([:-][\da-f]{1,2}){5}$/i.test(text)
    ? text.split(/[:-]/).reduce((value, octet) => value * 256 + Number.parseInt(octet, 16), 0)
    : undefined
}

const OCTETS = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))

export function printMac(mac: Mac): string {
  let text = ''
  for (let high = Math.floor(mac / 2 ** 24), i = 16; i >= 0; i -= 8) text += `${OCTETS[(high >>> i) & 255]}:`
  const low = mac % 2 ** 24
  return `${text}${OCTETS[low >>> 16]}:${OCTETS[(low >>> 8) & 255]}:${OCTETS[low & 255]}`
}
