import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFolder } from './files.js'

let folder = ''
const paths = async (path: string) => (await readFolder(path)).map((file) => file.path.slice(folder.length + 1))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packetwalk-files-'))
  await mkdir(join(folder, 'netns/web'), { recursive: true })
  await mkdir(join(folder, '.git'))
  await writeFile(join(folder, 'sysctl'), 'net.ipv4.ip_forward = 1\n')
  await writeFile(join(folder, 'netns/web/sockets'), 'Netid State\n')
  await writeFile(join(folder, '.git/HEAD'), 'ref')
  await writeFile(join(folder, 'capture.pcap'), new Uint8Array([0xd4, 0xc3, 0xb2, 0xa1, 0, 0]))
  await symlink('..', join(folder, 'netns/up'))
  await symlink('nowhere', join(folder, 'gone'))
  await symlink('sysctl', join(folder, 'ip-sysctl'))
})
afterAll(() => rm(folder, { recursive: true }))

test('folders within, by name; what is hidden, gone, or leads back up is left out', async () => {
  expect(await paths(folder)).toEqual(['capture.pcap', 'ip-sysctl', 'netns/web/sockets', 'sysctl'])
})
test('a file alone', async () => {
  expect(await readFolder(join(folder, 'sysctl'))).toEqual([
    { path: join(folder, 'sysctl'), text: 'net.ipv4.ip_forward = 1\n' },
  ])
})
test('what is no text has none', async () => {
  expect((await readFolder(folder))[0]).toEqual({ path: join(folder, 'capture.pcap'), text: '' })
})
test('`.` is called by its name', async () => {
  const before = process.cwd()
  process.chdir(folder)
  try {
    expect((await readFolder('.')).map(({ path }) => path.split('/').slice(-2).join('/'))).toContain(
      `${basename(folder)}/sysctl`,
    )
    expect((await readFolder('netns/web/')).map(({ path }) => path)).toEqual(['netns/web/sockets'])
  } finally {
    process.chdir(before)
  }
})
test('what is not there', async () => {
  await expect(readFolder(join(folder, 'no'))).rejects.toMatchObject({ code: 'ENOENT' })
})
