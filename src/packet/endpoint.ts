import { parseIp } from '../address/ip.js'
import { parsePort } from '../address/services.js'
import type { Endpoint } from './request.js'
import { isProblem, type LineProblem } from './tokens.js'

export interface EndpointAndPort {
  /** Absent for `:40000`: only the port is given. */
  readonly endpoint?: Endpoint
  readonly port?: number
}

const NAME = /^[\p{L}\d_][\p{L}\d_.@/-]*$/u

/**
 * `10.0.0.1`, `10.0.0.1:80`, `[2001:db8::1]:22`, `2001:db8::1`, `node1/web:http`, `:40000`. `protocol`: whose service names count.
 * `at`: where the text stands in the line.
 */
export function parseEndpoint(text: string, at: number, protocol: string): EndpointAndPort | LineProblem {
  const zone = text.indexOf('%')
  if (zone >= 0) {
    return { message: 'an address has no zone here: say where the packet arrives with "in IFACE"', at: at + zone }
  }
  if (text.startsWith('[')) return bracketed(text, at, protocol)
  const whole = parseIp(text)
  if (whole !== undefined) return { endpoint: { ip: whole } }
  const colon = text.lastIndexOf(':')
  const host = colon < 0 ? text : text.slice(0, colon)
  const named: EndpointAndPort | LineProblem = host === '' && colon === 0 ? {} : hostOf(host, at)
  if (isProblem(named)) return named
  if (colon < 0) return named
  const port = portOf(text.slice(colon + 1), at + colon + 1, protocol)
  return typeof port === 'number' ? { ...named, port } : port
}

function bracketed(text: string, at: number, protocol: string): EndpointAndPort | LineProblem {
  const close = text.indexOf(']')
  if (close < 0) return { message: 'the bracket is never closed', at }
  const ip = parseIp(text.slice(1, close))
  if (typeof ip !== 'bigint') return { message: `"${text.slice(1, close)}" is no IPv6 address`, at: at + 1 }
  const rest = text.slice(close + 1)
  if (rest === '') return { endpoint: { ip } }
  if (!rest.startsWith(':')) return { message: `":PORT" should follow the bracket, not "${rest}"`, at: at + close + 1 }
  const port = portOf(rest.slice(1), at + close + 2, protocol)
  return typeof port === 'number' ? { endpoint: { ip }, port } : port
}

function hostOf(text: string, at: number): { readonly endpoint: Endpoint } | LineProblem {
  const ip = parseIp(text)
  if (ip !== undefined) return { endpoint: { ip } }
  if (/^[\d.]+$/.test(text)) return { message: `"${text}" is no IPv4 address`, at }
  if (text.includes(':'))
    return { message: `"${text}" is no IPv6 address (with a port it is written [ADDRESS]:PORT)`, at }
  if (/\/\d+$/.test(text) && parseIp(text.slice(0, text.lastIndexOf('/'))) !== undefined) {
    return { message: `"${text}" is a network; a packet has one address`, at }
  }
  if (!NAME.test(text)) return { message: `"${text}" is neither an address nor a name`, at }
  return { endpoint: { name: text } }
}

function portOf(text: string, at: number, protocol: string): number | LineProblem {
  const port = parsePort(text, protocol)
  if (port !== undefined) return port
  if (/^\d+$/.test(text)) return { message: `a port is at most 65535, not ${text}`, at }
  return {
    message: text === '' ? 'a port should follow the colon' : `"${text}" is neither a port number nor a known service`,
    at,
  }
}
