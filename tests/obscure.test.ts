import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseIp, printIp } from '../src/address/ip.js'
import { printMac } from '../src/address/mac.js'
import { contains, parsePrefix } from '../src/address/prefix.js'
import { trace } from '../src/path/trace.js'
import { readFolder } from '../src/snapshot/files.js'
import { readSnapshot } from '../src/snapshot/index.js'
import { Obscurer } from '../web/engine/obscure.js'
import { PRESETS, SAMPLES } from '../web/samples.js'
import { packet } from './scenarios/state.js'

const hostsOf = (files: readonly { path: string; text: string }[]) => {
  const read = readSnapshot(files)
  if (!read.ok) throw new Error(JSON.stringify(read.problems.slice(0, 3)))
  return read.hosts
}

describe.each(SAMPLES)('%s', (sample) => {
  test.each(PRESETS[sample].map(({ packet: line }) => line))('%s walks as before', async (line) => {
    const files = (await readFolder(join(import.meta.dirname, '../samples', sample))).map(({ path, text }) => ({
      path: path.slice(path.indexOf(sample)),
      text,
    }))
    const obscurer = new Obscurer()
    const others = obscurer.files(files)
    const outline = (hosts: ReturnType<typeof hostsOf>, question: string) =>
      trace(hosts, packet(question), { now: 0 }).branches.map(({ outcome, where, symptom, probability, steps }) => ({
        outcome,
        rule: [where.hook, where.table, where.chain, where.rule, where.reason],
        symptom,
        probability,
        steps: steps.map(({ kind }) => kind),
      }))
    expect(outline(hostsOf(others), obscurer.text(line))).toEqual(outline(hostsOf(files), line))
  })

  test('no address of an interface is left', async () => {
    const files = await readFolder(join(import.meta.dirname, '../samples', sample))
    const links = hostsOf(files).namespaces.flatMap((namespace) => namespace.links)
    const own = links.flatMap(({ addresses }) => addresses.map(({ prefix }) => prefix.ip))
    // every coin falls on the other side: no address may stay
    const text = new Obscurer(() => 1)
      .files(files)
      .map((file) => file.text)
      .join('\n')
    for (const ip of own.filter((one) => typeof one === 'number' && one >>> 24 !== 127))
      expect(text).not.toMatch(new RegExp(`(?<!\\d)${printIp(ip)}(?!\\d)`))
    for (const { mac } of links) if (mac) expect(text).not.toContain(printMac(mac))
  })
})

test.each([
  ['10.1.2.3', '10.1.2.3/32', '10.1.2.0/24', '10.1.0.0/16', '10.0.0.0/8'],
  ['2001:db8:1:2::5', '2001:db8:1:2::/64', '2001:db8:1::/48', '2001:db8::/32'],
])('%s stays within its prefixes', (address, ...prefixes) => {
  const obscurer = new Obscurer()
  const ip = parseIp(obscurer.text(address))!
  for (const prefix of prefixes) {
    const other = parsePrefix(obscurer.text(prefix))
    expect(other && contains(other, ip)).toBe(true)
  }
})

test.each([
  '127.0.0.1',
  '0.0.0.0/0',
  '255.255.255.0',
  '224.0.0.1',
  '169.254.169.254',
  '::1/128',
  'fe80::1/64',
  'ff02::1',
  '[0:0]',
  '12:34:56',
])('%s stays', (text) => expect(new Obscurer(() => 1).text(text)).toBe(text))

test('comments and processes are left out', () => {
  expect(new Obscurer().text('-A INPUT -m comment --comment "of \\"Ann\\"" -j DROP')).toBe(
    '-A INPUT -m comment --comment "…" -j DROP',
  )
  expect(new Obscurer().text('tcp LISTEN users:(("sshd",pid=1,fd=3))')).toBe('tcp LISTEN users:(("…"))')
})
