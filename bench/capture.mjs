// Captures of any length: TCP connections from outside to the published port of samples/docker-host, each a handshake and then data and
// acknowledgements in turn, many at a time. What the host receives on eth0, and what the container answers on its link.
import { closeSync, openSync, writeSync } from 'node:fs'

const CONNECTIONS = 200
const PAYLOAD = 100
/** After so many packets all connections begin anew. */
const AGAIN = 200_000
const HOST = 0xc000020a
const CONTAINER = 0xac110002
const SYN = 2
const ACK = 16

const block = (type, body) => {
  const out = Buffer.alloc(12 + body.length)
  out.writeUInt32LE(type, 0)
  out.writeUInt32LE(out.length, 4)
  body.copy(out, 8)
  out.writeUInt32LE(out.length, out.length - 4)
  return out
}
const option = (code, value) => {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  out.writeUInt16LE(code, 0)
  out.writeUInt16LE(value.length, 2)
  value.copy(out, 4)
  return out
}
const link = (name) =>
  block(
    1,
    Buffer.concat([
      Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]),
      option(2, Buffer.from(name)),
      option(9, Buffer.from([9])),
      option(0, Buffer.alloc(0)),
    ]),
  )
const section = block(0x0a0d0d0a, Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex'))

function sum(bytes, from, to, total) {
  for (let i = from; i < to; i += 2) total += (bytes[i] << 8) | (i + 1 < to ? bytes[i + 1] : 0)
  return total
}
function fold(total) {
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000)
  return ~total & 0xffff
}

function frame({ to, from, src, dst, sport, dport, seq, ack, flags, length }) {
  const out = Buffer.alloc(54 + length, 'x')
  out.write(to, 0, 'hex')
  out.write(from, 6, 'hex')
  out.write('080045000000000140004006', 12, 'hex')
  out.writeUInt16BE(40 + length, 16)
  out.writeUInt16BE(0, 24)
  out.writeUInt32BE(src, 26)
  out.writeUInt32BE(dst, 30)
  out.writeUInt16BE(fold(sum(out, 14, 34, 0)), 24)
  out.writeUInt16BE(sport, 34)
  out.writeUInt16BE(dport, 36)
  out.writeUInt32BE(seq >>> 0, 38)
  out.writeUInt32BE(ack >>> 0, 42)
  out[46] = 0x50
  out[47] = flags
  out.writeUInt16BE(64240, 48)
  out.writeUInt32BE(0, 50)
  out.writeUInt16BE(fold(sum(out, 34, out.length, sum(out, 26, 34, 6 + 20 + length))), 50)
  return out
}

/** Writes so many packets. `outside`, `inside`: the host's link, and the container's: name, MAC, and the MAC of who is at its other end. */
export function writeCapture(file, count, { outside, inside }) {
  const descriptor = openSync(file, 'w')
  let parts = [section, link(outside.name), link(inside.name)]
  const flows = Array.from({ length: CONNECTIONS }, () => undefined)
  for (let n = 0; n < count; n++) {
    const at = n % CONNECTIONS
    flows[at] ??= {
      step: 0,
      client: 1,
      server: 1,
      src: 0xc6336401 + at,
      sport: 20000 + Math.floor(n / AGAIN) * 200 + at,
    }
    const flow = flows[at]
    const { step } = flow
    const reply = step === 1 || (step > 2 && step % 2 === 0)
    const length = step > 2 ? PAYLOAD : 0
    const ends = reply
      ? {
          to: inside.mac,
          from: inside.peer,
          src: CONTAINER,
          dst: flow.src,
          sport: 80,
          dport: flow.sport,
          seq: flow.server,
          ack: flow.client,
        }
      : {
          to: outside.mac,
          from: outside.peer,
          src: flow.src,
          dst: HOST,
          sport: flow.sport,
          dport: 8080,
          seq: flow.client,
          ack: step === 0 ? 0 : flow.server,
        }
    const bytes = frame({ ...ends, flags: step === 0 ? SYN : step === 1 ? SYN | ACK : ACK, length })
    const moved = length + (step < 2 ? 1 : 0)
    if (reply) flow.server += moved
    else flow.client += moved
    flow.step = step + 1
    if (n % AGAIN >= AGAIN - CONNECTIONS) flows[at] = undefined
    const head = Buffer.alloc(20)
    const stamp = 1_700_000_000_000_000_000n + BigInt(n) * 100_000n
    head.writeUInt32LE(reply ? 1 : 0, 0)
    head.writeUInt32LE(Number(stamp >> 32n), 4)
    head.writeUInt32LE(Number(stamp & 0xffffffffn), 8)
    head.writeUInt32LE(bytes.length, 12)
    head.writeUInt32LE(bytes.length, 16)
    parts.push(block(6, Buffer.concat([head, bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])))
    if (parts.length > 5000) {
      writeSync(descriptor, Buffer.concat(parts))
      parts = []
    }
  }
  writeSync(descriptor, Buffer.concat(parts))
  closeSync(descriptor)
}
