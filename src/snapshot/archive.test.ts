import { gzipSync, zipSync } from 'fflate'
import { packTar } from 'modern-tar'
import { describe, expect, test } from 'vitest'
import { ArchiveError, isArchive, unpack } from './archive.js'
import { readSnapshot } from './index.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const SAVE = '*filter\n:INPUT DROP [0:0]\nCOMMIT\n'
const tarOf = (files: Readonly<Record<string, string>>) =>
  packTar(
    Object.entries(files).map(([name, body]) => ({ header: { name, size: bytes(body).length, type: 'file' }, body })),
  )

/** `tar -cf - web1/iptables-save | xz -9e`, GNU tar 1.34 and xz 5.4.1. */
const XZ =
  '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AJNdADuZSGi6/HId902maEox74JtpgqrLP2XdOaMawDPuFzO/84n3HfFBnPkJPN19ym6BAMqM4p8PXNXOtpn5nr6jKMxHRcHvnm/VoNoj0AlHbZBz4qs6SlHssME02lNwgKKsE6w1H/HgJfTBsv9TjFX4RCANezxBKYrYD+1I/nuyT+JuccSR7OSE17mMPmUSYkoVdiAAAAA2hzzGgLO/skAAa8BgFAAAN3GmpexxGf7AgAAAAAEWVo='

const packed = {
  'a.tar': () => tarOf({ 'web1/iptables-save': SAVE }),
  'a.tar.gz': async () => gzipSync(await tarOf({ 'web1/iptables-save': SAVE })),
  'a.tar.xz': async () => new Uint8Array(Buffer.from(XZ, 'base64')),
  'a.zip': async () => zipSync({ 'web1/iptables-save': bytes(SAVE) }),
}

test.each(Object.entries(packed))('%s: its files, by its content', async (name, make) => {
  const archive = await make()
  expect(isArchive(archive)).toBe(true)
  const files = await unpack(name, archive)
  expect(files).toEqual([{ path: `${name}/web1/iptables-save`, text: SAVE }])
  const read = readSnapshot(files)
  expect(read.ok && read.hosts.namespaces.map(({ host }) => host)).toEqual(['web1'])
})

test('files without a folder belong to a host that is called as the archive is', async () => {
  const read = readSnapshot(await unpack('in/gw.tar.gz', gzipSync(await tarOf({ './iptables-save': SAVE }))))
  expect(read.ok && read.hosts.namespaces.map(({ host }) => host)).toEqual(['gw'])
})

test('a compressed file, an archive within an archive, what is no text, what is hidden', async () => {
  expect(await unpack('iptables-save.gz', gzipSync(bytes(SAVE)))).toEqual([{ path: 'iptables-save', text: SAVE }])
  const inner = Buffer.from(gzipSync(await tarOf({ sysctl: 'net.ipv4.ip_forward = 1\n' })))
  const outer = await packTar([
    { header: { name: 'node.tgz', size: inner.length, type: 'file' }, body: inner },
    { header: { name: 'core', size: 3, type: 'file' }, body: new Uint8Array([1, 0, 2]) },
    { header: { name: '._x', size: 1, type: 'file' }, body: 'x' },
    { header: { name: 'link', size: 0, type: 'symlink', linkname: '/etc/passwd' } },
  ])
  expect(await unpack('all.tar', outer)).toEqual([
    { path: 'all.tar/core', text: '' },
    { path: 'all.tar/node.tgz/sysctl', text: 'net.ipv4.ip_forward = 1\n' },
  ])
})

describe('what cannot be read is said', () => {
  const cut = async (name: keyof typeof packed) => (await packed[name]()).slice(0, -40)
  test.each(['a.tar.gz', 'a.tar.xz', 'a.zip'] as const)('%s cut off', async (name) => {
    await expect(unpack(name, await cut(name))).rejects.toThrow(ArchiveError)
  })
  test('a.tar.gz cut off anywhere', async () => {
    const whole = await packed['a.tar.gz']()
    for (let length = 20; length < whole.length; length++)
      await expect(unpack('a.tar.gz', whole.slice(0, length)), `${length} bytes`).rejects.toThrow(ArchiveError)
  })
  test('another program packed it', async () => {
    await expect(unpack('x', bytes('BZh91AY'))).rejects.toThrow(
      'packed with bzip2, which is not read here: unpack it first',
    )
  })
  test.each([SAVE, '', '7z', 'BZ'])('%j is no archive', (text) => expect(isArchive(bytes(text))).toBe(false))
})
