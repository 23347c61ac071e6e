import { address } from '../codec.js'
import { interfaceName } from '../interface.js'
import { defineTarget } from '../target.js'

export const tee = defineTarget({
  name: 'TEE',
  families: [4, 6],
  required: ['gateway'],
  options: {
    gateway: { flag: '--gateway', value: address, doc: 'where the copy goes' },
    oif: { flag: '--oif', value: interfaceName, doc: 'through this interface' },
  },
  doc: {
    summary: 'Sends a copy of the packet to another host and goes on.',
    notes: [
      'The copy is not tracked. It goes through OUTPUT and POSTROUTING like a packet of this host; it has DF, and in PREROUTING and INPUT a TTL of one less.',
    ],
    kernel: 'net/netfilter/xt_TEE.c: tee_tg4, tee_tg6',
  },
  check: ({ gateway }, { family }) =>
    (typeof gateway!.value === 'number') === (family === 4)
      ? undefined
      : `${address.print(gateway!.value)} is of the other family`,
  list: ({ gateway, oif }) => ` TEE gw:${address.print(gateway!.value)}${oif ? ` oif=${oif.value}` : ''}`,
  lower: ({ gateway, oif }) => [{ do: 'duplicate', gateway: gateway!.value, ...(oif ? { oif: oif.value } : {}) }],
})
