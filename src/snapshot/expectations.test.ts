import { describe, expect, test } from 'vitest'
import { parseIp } from '../address/ip.js'
import { detect } from './detect.js'
import { readExpectations } from './expectations.js'
import { InputError } from './problem.js'

// printed by conntrack 1.4.7 and /proc/net/nf_conntrack_expect on Linux 6.18
const TFTP =
  '299 proto=17 src=127.0.0.3 dst=127.0.0.1 sport=0 dport=5061 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=127.0.0.1 master-dst=127.0.0.3 sport=5061 dport=69 class=0 helper=tftp'
const SIP =
  '179 proto=17 src=127.0.0.2 dst=127.0.0.1 sport=0 dport=5061 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=127.0.0.1 master-dst=127.0.0.2 sport=5061 dport=5060 PERMANENT,INACTIVE class=0 helper=sip'
const KERNEL =
  '179 l3proto = 2 proto=17 src=127.0.0.2 dst=127.0.0.1 sport=0 dport=5061 PERMANENT,INACTIVE sip/signalling'
const MEDIA =
  '170 l3proto = 10 proto=17 src=0000:0000:0000:0000:0000:0000:0000:0000 dst=fd00:0001:0000:0000:0000:0000:0000:0002 sport=0 dport=10000 sip/video'

describe('what helpers expect', () => {
  test('as conntrack prints it', () => {
    const [tftp, sip, ...more] = readExpectations(
      `${TFTP}\n${SIP}\nconntrack v1.4.7 (conntrack-tools): 2 expectations have been shown.\n`,
      1000,
    )
    const ip = (text: string) => parseIp(text)!
    expect(more).toEqual([])
    expect(tftp).toEqual({
      tuple: { family: 4, protocol: 17, src: ip('127.0.0.3'), dst: ip('127.0.0.1'), sport: 0, dport: 5061 },
      mask: { src: 0xffffffff, sport: 0 },
      master: { src: ip('127.0.0.1'), dst: ip('127.0.0.3'), sport: 5061, dport: 69 },
      class: 0, permanent: false, inactive: false, helper: 'tftp', expires: 1299,
    }) // biome-ignore format: a table
    expect(sip).toMatchObject({ permanent: true, inactive: true, helper: 'sip', expires: 1179 })
  })

  test('as the kernel prints it: without masks and masters', () => {
    const [sip, media] = readExpectations(`${KERNEL}\n${MEDIA}\n`, 0)
    expect(sip).toMatchObject({
      mask: { src: 0xffffffff, sport: 0 },
      class: 0,
      permanent: true,
      inactive: true,
      helper: 'sip',
    })
    expect(sip).not.toHaveProperty('master')
    expect(media).toMatchObject({
      tuple: { family: 6, dst: parseIp('fd00:1::2') },
      mask: { src: 0n, sport: 0 },
      class: 2,
      inactive: false,
    })
  })

  test('with the keys of GRE, a zone, no helper', () => {
    const gre =
      '170 proto=47 src=10.0.0.1 dst=10.0.0.2 srckey=0x5 dstkey=0x6 mask-src=255.255.255.255 mask-dst=255.255.255.255 srckey=0xffff dstkey=0xffff master-src=10.0.0.1 master-dst=10.0.0.2 sport=1000 dport=1723 zone=5 class=0'
    expect(readExpectations(gre, 0)).toMatchObject([
      { tuple: { sport: 5, dport: 6 }, mask: { sport: 0xffff }, zone: 5, helper: undefined },
    ])
  })

  test('is told by its content', () => {
    expect([TFTP, SIP, KERNEL, MEDIA].map((line) => detect('x', line))).toEqual(Array(4).fill('expectations'))
    expect(detect('conntrack_-L_expect', '')).toBe('expectations')
    expect(detect('nf_conntrack_expect', '')).toBe('expectations')
  })

  test.each([
    ['x proto=17', 1],
    ['17 proto=300 src=1.2.3.4', 4],
    ['17 proto=6 src=1.2.3 dst=1.2.3.4', 12],
    ['17 proto=6 src=1.2.3.4 dst=1.2.3.4 sport=1', 43],
    [`${TFTP} more=1`, TFTP.length + 2],
    [`${KERNEL} x`, KERNEL.length + 2],
  ])('%s', (line, column) => {
    try {
      readExpectations(`\n${line}`, 0)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
      expect((error as InputError).position).toEqual({ line: 2, column })
    }
  })
})
