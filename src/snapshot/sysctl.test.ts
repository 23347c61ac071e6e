import { describe, expect, test } from 'vitest'
import { readSysctls } from './sysctl.js'

describe('sysctl', () => {
  test.each([
    ['net.ipv4.ip_forward = 1', 'net.ipv4.ip_forward', '1'],
    ['net.ipv4.conf.flannel/1.rp_filter = 2', 'net.ipv4.conf.flannel/1.rp_filter', '2'],
    ['net.ipv4.conf.eth0.10.rp_filter = 2', 'net.ipv4.conf.eth0/10.rp_filter', '2'],
    ['net/ipv4/conf/flannel.1/rp_filter=2', 'net.ipv4.conf.flannel/1.rp_filter', '2'],
    ['-net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.all.rp_filter', '0'],
    ['net.ipv4.ip_local_port_range = 32768\t60999', 'net.ipv4.ip_local_port_range', '32768\t60999'],
    ['net.core.x =', 'net.core.x', ''],
  ])('%j', (line, key, value) => expect([...readSysctls(`# comment\n${line}\n`)]).toEqual([[key, value]]))
  test('what sysctl complains about is no setting', () =>
    expect(readSysctls("sysctl: permission denied on key 'net.ipv4.tcp_fastopen_key'\n")).toEqual(new Map()))
  test('a bad line', () =>
    expect(() => readSysctls('net.ipv4.ip_forward = 1\n  hello\n')).toThrow(
      expect.objectContaining({ message: '"hello" is no setting: KEY = VALUE', position: { line: 2, column: 3 } }),
    ))
})
