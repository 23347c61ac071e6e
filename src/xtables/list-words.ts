import { serviceName } from '../address/services.js'
import type { Given } from './extension.js'

/** A port in a listing: with -n a number, else its name if it has one. */
export const listedPort = (port: number, protocol: string, numeric: boolean): string =>
  (numeric ? undefined : serviceName(port, protocol)) ?? `${port}`

/** ` spt:!22`, ` dpts:1:5`; all ports are not shown, unless inverted (print_ports of libxt_tcp.c, libxt_udp.c, libxt_sctp.c, libxt_dccp.c). */
export function listedPorts(
  name: 'spt' | 'dpt',
  given: Given<readonly [number, number]> | undefined,
  protocol: string,
  numeric: boolean,
): string {
  if (!given) return ''
  const { inverted, value } = given
  const [from, to] = value
  if (from === 0 && to === 0xffff && !inverted) return ''
  const sign = inverted ? '!' : ''
  const show = (port: number) => listedPort(port, protocol, numeric)
  return from === to ? ` ${name}:${sign}${show(from)}` : ` ${name}s:${sign}${show(from)}:${show(to)}`
}

/** ` spi:!7`, ` ids:1:5`; everything is not shown, unless inverted (print_spis of libxt_esp.c and its like). */
export function listedRange(
  name: string,
  given: Given<readonly [number, number]> | undefined,
  most = 0xffffffff,
): string {
  if (!given) return ''
  const { inverted, value } = given
  const [from, to] = value
  if (from === 0 && to === most && !inverted) return ''
  const sign = inverted ? '!' : ''
  return from === to ? ` ${name}:${sign}${from}` : ` ${name}s:${sign}${from}:${to}`
}

/** `0x1`, `0x1/0xff`: without a mask of all ones (xtables_print_mark_mask, without its blank). */
export const listedMark = ({ value, mask }: { readonly value: number; readonly mask: number }): string =>
  mask === 0xffffffff ? `0x${value.toString(16)}` : `0x${value.toString(16)}/0x${mask.toString(16)}`

/** `set 0x1`, `and 0x7`, `xset 0x1/0xff`: whatever was said, by what it does (libxt_MARK.c: mark_tg_print). */
export function listedXmark({ value, mask }: { readonly value: number; readonly mask: number }): string {
  const hex = (bits: number) => `0x${bits.toString(16)}`
  if (value === 0) return `and ${hex(~mask >>> 0)}`
  if (value === mask) return `or ${hex(value)}`
  if (mask === 0) return `xor ${hex(value)}`
  return mask === 0xffffffff ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`
}
