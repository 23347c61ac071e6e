import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesToHex, hexToBytes } from './hex.js'
import type { Packet } from './packet.js'
import { CASES, SETUP } from './recordings/cases.js'

const file = new URL('./recordings/answers.json', import.meta.url)

interface Answer {
  readonly name: string
  readonly sent: string
  readonly back: readonly string[]
  readonly onward: readonly string[]
}

// As root, with namespaces and legacy iptables: PACKETWALK_RECORD=1 asks the kernel again and writes what it says.
const { PACKETWALK_RECORD: record } = process.env
if (record) {
  const job = { setup: SETUP, cases: CASES.map(({ name, sent }) => ({ name, packet: bytesToHex(sent.bytes) })) }
  const lab = spawnSync('python3', [new URL('./recordings/record.py', import.meta.url).pathname], {
    input: JSON.stringify(job),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (lab.status !== 0) throw new Error(lab.stderr)
  writeFileSync(file, `${lab.stdout}\n`)
}

const answers: readonly Answer[] = JSON.parse(readFileSync(file, 'utf8'))

/** IPv4 ids of ICMP messages come from a counter that starts at random: they are not compared. */
function comparable(bytes: Uint8Array, anyId: boolean): string {
  const copy = bytes.slice()
  if (anyId && copy[0]! >> 4 === 4) copy.fill(0, 4, 6).fill(0, 10, 12)
  return bytesToHex(copy)
}

describe('the kernel (Linux 6.18) does the same, byte for byte', () => {
  test('every case has been recorded as it is sent', () => {
    expect(answers.map(({ name, sent }) => `${name} ${sent}`)).toEqual(
      CASES.map(({ name, sent }) => `${name} ${bytesToHex(sent.bytes)}`),
    )
  })
  for (const [index, { name, sent, back, onward }] of CASES.entries()) {
    test(name, () => {
      const expected = { back: back(sent), onward: onward(sent) }
      const seen = answers[index]!
      for (const side of ['back', 'onward'] as const) {
        const packets = expected[side]
        const anyId = side === 'back' && packets.some((packet) => packet.transport.protocol === 1)
        expect(
          seen[side].map((hex) => comparable(hexToBytes(hex)!, anyId)),
          side,
        ).toEqual(packets.map((packet: Packet) => comparable(packet.bytes, anyId)))
      }
    })
  }
})
