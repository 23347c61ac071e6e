import { type Packet, u8, u16, u32 } from '../packet.js'

/** struct sock_filter of <linux/filter.h>. */
export interface BpfInstruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

// <linux/bpf_common.h>: an opcode is its class, and by class a size and a mode, an operation and a source
const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const
const SIZE = { word: 0, half: 8, byte: 16 } as const
const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const
const SOURCE_X = 8
const OP = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
} as const
const JUMP = { ja: 0x00, jeq: 0x10, jgt: 0x20, jge: 0x30, jset: 0x40 } as const
const RETURN_A = 0x10
const TXA = 0x80

const WORDS = 16
/** Offsets from here on are questions to the kernel, not to the packet (SKF_AD_OFF), below them the link layer's bytes and the network layer's. */
const ANCILLARY = 0xfffff000
const NETWORK = -0x100000
const LINK = -0x200000
const ANCILLARY_LAST = 60
const AD_PROTOCOL = 0
const AD_XOR_X = 40

const isAlu = (code: number): boolean =>
  Object.values(OP).some((op) => code === CLASS.alu + op || (op !== OP.neg && code === CLASS.alu + op + SOURCE_X))
const isJump = (code: number): boolean =>
  Object.values(JUMP).some((op) => code === CLASS.jmp + op || (op !== JUMP.ja && code === CLASS.jmp + op + SOURCE_X))
const LOADS: ReadonlySet<number> = new Set([
  ...Object.values(SIZE).flatMap((size) => [size + MODE.abs, size + MODE.ind]),
  MODE.len,
  MODE.imm,
  MODE.mem,
  CLASS.ldx + MODE.len,
  CLASS.ldx + SIZE.byte + MODE.msh,
  CLASS.ldx + MODE.imm,
  CLASS.ldx + MODE.mem,
  CLASS.st,
  CLASS.stx,
  CLASS.misc,
  CLASS.misc + TXA,
  CLASS.ret,
  CLASS.ret + RETURN_A,
])
const USES_MEMORY: ReadonlySet<number> = new Set([MODE.mem, CLASS.ldx + MODE.mem, CLASS.st, CLASS.stx])
const ABSOLUTE: ReadonlySet<number> = new Set(Object.values(SIZE).map((size) => size + MODE.abs))

/** What is wrong with a program, or undefined (net/core/filter.c: bpf_check_classic). */
export function bpfProblem(program: readonly BpfInstruction[]): string | undefined {
  for (const [at, { code, jt, jf, k }] of program.entries()) {
    const says = (what: string) => `instruction ${at}: ${what}`
    if (!isAlu(code) && !isJump(code) && !LOADS.has(code)) return says(`there is no code ${code}`)
    const op = code & 0xf0
    if (isAlu(code) && (code & SOURCE_X) === 0) {
      if ((op === OP.div || op === OP.mod) && k === 0) return says('a division by 0')
      if ((op === OP.lsh || op === OP.rsh) && k >= 32) return says('a shift by more than 31 bits')
    }
    if (isJump(code)) {
      const far = op === JUMP.ja ? k : Math.max(jt, jf)
      if (at + far + 1 >= program.length) return says('a jump behind the end')
    }
    if (USES_MEMORY.has(code) && k >= WORDS) return says(`there are ${WORDS} words of memory`)
    if (ABSOLUTE.has(code) && k >= ANCILLARY && !isAncillary(k)) return says('nothing is at this offset')
  }
  const last = program.at(-1)
  if (last === undefined || (last.code !== CLASS.ret && last.code !== CLASS.ret + RETURN_A))
    return 'a program ends with a return'
  return readsUnwritten(program) ? 'memory is read that was not written' : undefined
}

const isAncillary = (k: number): boolean => k - ANCILLARY <= ANCILLARY_LAST && k % 4 === 0

/** check_load_and_stores: every way to a load has to have passed a store to the same word. */
function readsUnwritten(program: readonly BpfInstruction[]): boolean {
  const written = program.map(() => 0xffff)
  let now = 0
  for (const [at, { code, jt, jf, k }] of program.entries()) {
    now &= written[at]!
    if (code === CLASS.st || code === CLASS.stx) now |= 1 << k
    else if (code === MODE.mem || code === CLASS.ldx + MODE.mem) {
      if ((now & (1 << k)) === 0) return true
    } else if (isJump(code)) {
      const targets = (code & 0xf0) === JUMP.ja ? [k] : [jt, jf]
      for (const target of targets) written[at + 1 + target]! &= now
      now = 0xffff
    }
  }
  return false
}

/** `cut`: beyond the packet, which ends the program with 0. `outside`: not in the packet's bytes. */
type Loaded = number | 'cut' | 'outside'

function load({ bytes }: Packet, offset: number, size: number): Loaded {
  // as the kernel's int: bpf_internal_load_pointer_neg_helper
  const signed = offset | 0
  if (signed < NETWORK) return signed >= LINK ? 'outside' : 'cut'
  const at = signed < 0 ? signed - NETWORK : signed
  const read = size === SIZE.word ? u32 : size === SIZE.half ? u16 : u8
  return read(bytes, at) ?? 'cut'
}

const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const

/**
 * What a program returns for a packet; its bytes are counted from the IP header on. Undefined where it asks for what is not in them:
 * the link-layer header, the interface, the mark, and other things that Linux keeps beside a packet.
 */
export function bpfAnswer(packet: Packet, program: readonly BpfInstruction[]): number | undefined {
  let a = 0
  let x = 0
  const memory = new Uint32Array(WORDS)
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at]!
    const operand = code & SOURCE_X ? x : k
    switch (code & 7) {
      case CLASS.ld: {
        const mode = code & 0xe0
        if (mode === MODE.imm) a = k
        else if (mode === MODE.len) a = packet.bytes.length
        else if (mode === MODE.mem) a = memory[k]!
        else if (mode === MODE.abs && k >= ANCILLARY) {
          if (k === ANCILLARY + AD_PROTOCOL) a = ETHERTYPE[packet.family]
          else if (k === ANCILLARY + AD_XOR_X) a = (a ^ x) >>> 0
          else return undefined
        } else {
          const loaded = load(packet, mode === MODE.ind ? k + x : k, code & 0x18)
          if (typeof loaded === 'string') return loaded === 'cut' ? 0 : undefined
          a = loaded
        }
        break
      }
      case CLASS.ldx: {
        const mode = code & 0xe0
        if (mode === MODE.imm) x = k
        else if (mode === MODE.len) x = packet.bytes.length
        else if (mode === MODE.mem) x = memory[k]!
        else {
          const loaded = load(packet, k, SIZE.byte)
          if (typeof loaded === 'string') return loaded === 'cut' ? 0 : undefined
          x = 4 * (loaded & 15)
        }
        break
      }
      case CLASS.st:
        memory[k] = a
        break
      case CLASS.stx:
        memory[k] = x
        break
      case CLASS.alu: {
        const result = calculate(code & 0xf0, a, operand)
        if (result === undefined) return 0
        a = result
        break
      }
      case CLASS.jmp:
        at += (code & 0xf0) === JUMP.ja ? k : compare(code & 0xf0, a, operand) ? jt : jf
        break
      case CLASS.ret:
        return code & RETURN_A ? a : k
      case CLASS.misc:
        if (code & TXA) a = x
        else x = a
    }
  }
  return 0
}

/** Undefined: a division by 0. */
function calculate(op: number, a: number, b: number): number | undefined {
  switch (op) {
    case OP.add:
      return (a + b) >>> 0
    case OP.sub:
      return (a - b) >>> 0
    case OP.mul:
      return Math.imul(a, b) >>> 0
    case OP.div:
      return b === 0 ? undefined : Math.floor(a / b)
    case OP.mod:
      return b === 0 ? undefined : a % b
    case OP.or:
      return (a | b) >>> 0
    case OP.and:
      return (a & b) >>> 0
    case OP.xor:
      return (a ^ b) >>> 0
    case OP.lsh:
      return (a << b) >>> 0
    case OP.rsh:
      return a >>> b
    default:
      return -a >>> 0
  }
}

function compare(op: number, a: number, b: number): boolean {
  if (op === JUMP.jeq) return a === b
  if (op === JUMP.jgt) return a > b
  return op === JUMP.jge ? a >= b : (a & b) !== 0
}
