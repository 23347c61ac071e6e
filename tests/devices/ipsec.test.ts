import { describe, expect, test } from 'vitest'
import type { Branch } from '../../src/path/trail.js'
import { readXfrmPolicies, readXfrmStates } from '../../src/snapshot/xfrm.js'
import { state, traced } from '../scenarios/state.js'

const policies = (near: number, far: number) => `src 10.${near}.0.0/16 dst 10.${far}.0.0/16 
	dir out priority 375423 ptype main 
	tmpl src 198.51.100.${near} dst 198.51.100.${far}
		proto esp spi 0xc1 reqid 1 mode tunnel
src 10.${far}.0.0/16 dst 10.${near}.0.0/16 
	dir fwd priority 375423 ptype main 
	tmpl src 198.51.100.${far} dst 198.51.100.${near}
		proto esp reqid 1 mode tunnel
src 10.${far}.0.0/16 dst 10.${near}.0.0/16 
	dir in priority 375423 ptype main 
	tmpl src 198.51.100.${far} dst 198.51.100.${near}
		proto esp reqid 1 mode tunnel
src 0.0.0.0/0 dst 0.0.0.0/0 
	socket in priority 0 ptype main 
src 0.0.0.0/0 dst 0.0.0.0/0 
	socket out priority 0 ptype main 
`
const statesOf = (encap = '') =>
  [
    [1, 2],
    [2, 1],
  ].map(([a, b]) => `src 198.51.100.${a} dst 198.51.100.${b}
	proto esp spi 0x000000c${a} reqid 1 mode tunnel
	replay-window 0 flag af-unspec
	aead rfc4106(gcm(aes)) 0x0102030405060708 128
${encap}	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
`).join('') // biome-ignore format: a text
const NATT = '\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0\n'

const site = (n: number, iptables: string, files: Readonly<Record<string, string>> = {}) => ({
  links: {
    wan0: { addresses: [`198.51.100.${n}/24`], mac: `02:00:00:00:0${n}:01` },
    lan0: { addresses: [`10.${n}.0.1/16`], mac: `02:00:00:00:0${n}:02` },
  },
  routes: ['default via 198.51.100.254 dev wan0'],
  sysctl: {},
  iptables,
  files: { 'ip-xfrm-policy': policies(n, 3 - n), 'ip-xfrm-state': statesOf(), ...files },
})
const HOOKS =
  '*mangle\n-A PREROUTING -j ACCEPT\n-A INPUT -j ACCEPT\n-A FORWARD -j ACCEPT\n-A OUTPUT -j ACCEPT\n-A POSTROUTING -j ACCEPT\n'
const question = 'tcp 10.1.0.9:40000 > 10.2.0.9:80'
const hooksOf = ({ steps }: Branch) =>
  steps.flatMap((step) => (step.kind === 'hook' && step.chains.length > 0 ? [`${step.host} ${step.hook}`] : []))

describe('IPsec between two sites', () => {
  test('ESP has its own way through OUTPUT, INPUT; the inner packet comes in by the same device', () => {
    const branch = traced(state({ a: site(1, HOOKS), b: site(2, HOOKS) }), question)
    expect(branch).toMatchObject({
      outcome: 'sent',
      where: { host: 'b' },
      final: { dst: '10.2.0.9', interface: 'lan0' },
    })
    expect(branch.steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      host: 'a',
      outer: { src: '198.51.100.1', dst: '198.51.100.2', protocol: 'esp' },
    })
    expect(hooksOf(branch)).toEqual([
      'a prerouting', 'a forward', 'a postrouting', 'a output', 'a postrouting',
      'b prerouting', 'b input', 'b prerouting', 'b forward', 'b postrouting',
    ]) // biome-ignore format: a list
  })
  test('ESP in UDP, where the state says so', () => {
    const files = { 'ip-xfrm-state': statesOf(NATT) }
    const branch = traced(state({ a: site(1, HOOKS, files), b: site(2, HOOKS, files) }), question)
    expect(branch).toMatchObject({ outcome: 'sent', where: { host: 'b' }, final: { interface: 'lan0' } })
    expect(branch.steps.find(({ kind }) => kind === 'encapsulate')).toMatchObject({
      outer: { protocol: 'udp', dport: 4500 },
    })
  })
  test('MASQUERADE in front of it takes the packet out of the policy; --pol none keeps it in', () => {
    const nat = (match: string) => `*nat\n-A POSTROUTING -o wan0 ${match} -j MASQUERADE\n`
    const lost = traced(state({ a: site(1, nat('')) }), question)
    expect(lost.steps.some(({ kind }) => kind === 'encapsulate')).toBe(false)
    expect(lost).toMatchObject({ outcome: 'sent', final: { src: '198.51.100.1', dst: '10.2.0.9' } })
    const kept = traced(state({ a: site(1, nat('-m policy --dir out --pol none')) }), question)
    expect(kept).toMatchObject({ outcome: 'sent', final: { protocol: 'esp' } })
  })
  test('what should be encrypted is not taken in the clear', () => {
    expect(traced(state({ b: site(2, HOOKS) }), 'tcp 10.1.0.9:40000 > 10.2.0.9:80 in wan0')).toMatchObject({
      outcome: 'dropped',
      where: { reason: 'xfrm-policy' },
    })
  })
  test('no key: nothing leaves', () => {
    expect(traced(state({ a: site(1, HOOKS, { 'ip-xfrm-state': '' }) }), question).where.reason).toBe('no-sa')
  })
})

test('both listings, without what they keep secret', () => {
  const read = readXfrmPolicies(policies(1, 2))
  expect(read.map(({ direction, templates }) => [direction, templates.length])).toEqual([['out', 1], ['fwd', 1], ['in', 1]]) // biome-ignore format: a list
  const states = readXfrmStates(statesOf(NATT))
  expect(states).toMatchObject([{ spi: 0xc1, udp: [4500, 4500], mode: 'tunnel' }, { spi: 0xc2 }])
  expect(JSON.stringify(states)).not.toContain('0102030405')
  expect(() => readXfrmPolicies('src here dst 10.0.0.0/8\n\tdir out\n')).toThrow('"here" is not an address')
  expect(() => readXfrmStates('\tproto esp spi 0x1 reqid 1 mode tunnel\n')).toThrow('belongs to no entry')
})
