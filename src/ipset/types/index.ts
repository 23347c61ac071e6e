import type { SetType } from '../type.js'
import { bitmapIp, bitmapIpMac, bitmapPort } from './bitmap.js'
import { hashIp } from './hash-ip.js'
import { hashIpMark } from './hash-ip-mark.js'
import { hashIpPort, hashIpPortIp } from './hash-ip-port.js'
import { hashIpPortNet } from './hash-ip-port-net.js'
import { hashIpMac, hashMac } from './hash-mac.js'
import { hashNet } from './hash-net.js'
import { hashNetIface } from './hash-net-iface.js'
import { hashNetNet } from './hash-net-net.js'
import { hashNetPort } from './hash-net-port.js'
import { hashNetPortNet } from './hash-net-port-net.js'
import { listSet } from './list-set.js'

/** Every type of sets that there is. */
export const SET_TYPES: readonly SetType[] = [
  bitmapIp,
  bitmapIpMac,
  bitmapPort,
  hashIp,
  hashMac,
  hashIpMac,
  hashIpMark,
  hashIpPort,
  hashIpPortIp,
  hashIpPortNet,
  hashNet,
  hashNetNet,
  hashNetPort,
  hashNetPortNet,
  hashNetIface,
  listSet,
]

/** By its name or one of its old ones (`iphash`). */
export const setTypeOf = (name: string): SetType | undefined =>
  SET_TYPES.find((type) => type.name === name || type.aliases.includes(name))
