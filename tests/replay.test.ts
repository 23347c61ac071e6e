import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { run } from '../src/cli/program.js'
import { hexToBytes } from '../src/packet/hex.js'
import { pcapngHeader, pcapngPacket } from '../src/packet/pcapng.js'
import { packetwalk, withFiles } from './support/cli.js'

/** FTP in passive mode through DNAT, MASQUERADE and the helper, as a kernel let it pass: a whole conversation through the command. */
interface Recording {
  readonly files: Readonly<Record<string, string>>
  readonly frames: readonly (readonly [seconds: string, device: string, sent: boolean, frame: string])[]
  readonly conntrack: string
}
const { files, frames, conntrack }: Recording = JSON.parse(
  readFileSync(join(import.meta.dirname, 'conversations/ftp-passive.json'), 'utf8'),
)
const snapshot = Object.fromEntries(Object.entries(files).map(([name, text]) => [`router/${name}`, text]))
const nanoseconds = (seconds: string) => BigInt(seconds.replace('.', ''))
const LINKS = ['r0', 'r1']
const HEADER = pcapngHeader(LINKS.map((name) => ({ name, linktype: 1 })))
const RECORDS = frames
  .filter(([, , sent]) => !sent)
  .map(([seconds, device, , frame]) => pcapngPacket(LINKS.indexOf(device), nanoseconds(seconds), hexToBytes(frame)!))
const CAPTURE = Buffer.concat([HEADER, ...RECORDS])
/** Listener reports are between the router and its link. */
const SENT = frames
  .filter(([, , sent, frame]) => sent && !frame.startsWith('3333'))
  .map(([, device, , frame]) => `${device} ${frame}`)

const sentOf = (out: string) =>
  out.trimEnd().split('\n').flatMap((line) => (JSON.parse(line) as { sent: { interface: string; frame: string }[] }).sent)
    .map(({ interface: name, frame }) => `${name} ${frame}`) // biome-ignore format: one thing

/** The command with a capture on standard input that comes in pieces of so many bytes. */
async function piped(folder: string, capture: Uint8Array, size: number) {
  let [out, err] = ['', '']
  const status = await run(['replay', join(folder, 'router'), '-'], {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    stdin: () => Promise.reject(new Error('nobody needs all of it')),
    *stdinChunks() {
      for (let at = 0; at < capture.length; at += size) yield capture.subarray(at, at + size)
    },
    env: {},
    outIsTerminal: false,
    errIsTerminal: false,
    columns: undefined,
  })
  return { status, out, err }
}

test('a whole FTP conversation: the frames that the kernel sent, in its order, from a file and from standard input', async () => {
  await withFiles(snapshot, async (folder) => {
    const file = join(folder, 'in.pcapng')
    writeFileSync(file, CAPTURE)
    const flags = ['--conntrack', join(folder, 'table'), '--out', join(folder, 'out.pcapng')]
    const { status, out, err } = await packetwalk(['replay', join(folder, 'router'), file, ...flags])
    expect([status, err]).toEqual([0, ''])
    expect(sentOf(out)).toEqual(SENT)
    const tidy = (text: string) =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => line.replace(/^(\S+\s+\d+\s+\S+\s+\d+\s+)\d+/, '$1').replace(/use=\d+/, ''))
        .sort()
    expect(tidy(readFileSync(join(folder, 'table'), 'utf8'))).toEqual(tidy(conntrack))
    for (const size of [97, 1000, 1 << 20]) expect(await piped(folder, CAPTURE, size)).toEqual({ status, out, err })
  })
})

test('a file that is broken in the middle is refused at its byte before anything is walked; standard input where it breaks', async () => {
  await withFiles(snapshot, async (folder) => {
    const at = HEADER.length + RECORDS[0]!.length
    const broken = Buffer.from(CAPTURE)
    broken.writeUInt32LE(13, at + 4) // a block of 13 bytes
    const file = join(folder, 'in.pcapng')
    writeFileSync(file, broken)
    const refused = await packetwalk(['replay', join(folder, 'router'), file])
    expect([refused.status, refused.out]).toEqual([2, ''])
    expect(refused.err).toContain(`in.pcapng: at byte ${at}: a block claims 13 bytes`)
    const stream = await piped(folder, broken, 4096)
    expect([stream.status, sentOf(stream.out)]).toEqual([2, SENT.slice(0, 1)])
    expect(stream.err).toContain(`-: at byte ${at}: a block claims 13 bytes`)
  })
})

test('frames with lying lengths get through to the model, which drops them as the kernel does', async () => {
  await withFiles(snapshot, async (folder) => {
    const frame = hexToBytes(frames[0]![3])!
    const change = (edit: (bytes: Uint8Array) => void) => {
      const bytes = frame.slice()
      edit(bytes)
      return pcapngPacket(0, 1n, bytes)
    }
    const odd = [
      change((bytes) => bytes.fill(0xff, 16, 18)), // total length beyond the frame
      change((bytes) => bytes.fill(0x41, 14, 15)), // a header of 4 bytes
      pcapngPacket(0, 2n, frame.slice(0, 20)),
      pcapngPacket(0, 3n, frame.slice(0, 3)),
      pcapngPacket(0, 4n, new Uint8Array(0)),
    ]
    const file = join(folder, 'in.pcapng')
    writeFileSync(file, Buffer.concat([HEADER, ...odd]))
    const { status, out } = await packetwalk(['replay', join(folder, 'router'), file])
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([status, lines.map(({ outcome, sent }) => `${outcome} ${sent.length}`)]).toEqual([
      0,
      odd.map(() => 'dropped 0'),
    ])
  })
})

test('progress shows on a terminal, and only when it takes more than a second', async () => {
  await withFiles(snapshot, async (folder) => {
    const file = join(folder, 'in.pcapng')
    writeFileSync(file, CAPTURE)
    const args = ['replay', join(folder, 'router'), file]
    expect((await packetwalk(args, { terminal: true })).err).toBe('')
    let now = 1_700_000_000_000
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => (now += 100))
    try {
      const { err } = await packetwalk(args, { terminal: true })
      expect(err).toMatch(/\d packets walked/)
      expect(err.endsWith('\r\u001b[K')).toBe(true)
      expect((await packetwalk(args)).err).toBe('')
    } finally {
      clock.mockRestore()
    }
  })
})

test('what connections do meanwhile, as conntrack -E prints it', async () => {
  await withFiles(snapshot, async (folder) => {
    writeFileSync(join(folder, 'in.pcapng'), CAPTURE)
    const flags = ['--events', join(folder, 'events')]
    await packetwalk(['replay', join(folder, 'router'), join(folder, 'in.pcapng'), ...flags])
    const lines = readFileSync(join(folder, 'events'), 'utf8').trimEnd().split('\n')
    const kinds = lines.map((line) =>
      /^\[\d+\.\d{6}\]\t( {4}\[NEW\]| \[UPDATE\]|\[DESTROY\]) ipv4 {5}2 /.exec(line)?.[1]?.trim(),
    )
    expect(kinds.slice(0, 3)).toEqual(['[NEW]', '[UPDATE]', '[UPDATE]'])
    expect(lines[0]).toMatch(/tcp {6}6 120 SYN_SENT src=.* \[UNREPLIED\] src=.* helper=ftp$/)
    expect(lines[2]).toMatch(/ 432000 ESTABLISHED src=.* \[ASSURED\] helper=ftp$/)
  })
})
