import { type BpfInstruction, bpfProblem } from '../../packet/probe.js'
import { all, any, type Condition, inRanges, not, probed } from '../../rules/condition.js'
import { type Codec, WordError } from '../codec.js'
import { defineMatch } from '../match.js'

/** XT_BPF_MAX_NUM_INSTR. */
const MOST = 64

/** `COUNT,CODE JT JF K,…`, decimal (libxt_bpf.c: bpf_parse_string). */
const bytecode: Codec<readonly BpfInstruction[]> = {
  words: 1,
  metavar: 'program',
  parse(word) {
    const [count = '', ...parts] = word.split(',')
    if (parts.at(-1) === '') parts.pop()
    if (!/^\s*\+?\d+$/.test(count) || parts.length === 0) throw new WordError('a program is COUNT,CODE JT JF K,…')
    const program = parts.map((part, i): BpfInstruction => {
      const found = /^\s*\+?(\d+)\s+\+?(\d+)\s+\+?(\d+)\s+\+?(\d+)/.exec(part)
      if (!found) throw new WordError(`instruction ${i} is not four numbers: CODE JT JF K`)
      // what is too wide is cut, as scanf does it
      const [code, jt, jf, k] = found.slice(1).map(Number) as [number, number, number, number]
      return { code: code % 0x10000, jt: jt % 0x100, jf: jf % 0x100, k: k % 2 ** 32 }
    })
    const length = Number(count) % 0x10000
    if (length !== program.length)
      throw new WordError(`${count} instructions were announced, ${program.length} are there`)
    if (length > MOST) throw new WordError(`at most ${MOST} instructions`)
    const problem = bpfProblem(program)
    if (problem !== undefined) throw new WordError(problem)
    return program
  },
  print: (program) =>
    `"${[program.length, ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)].join(',')}"`,
}

const path: Codec<string> = { words: 1, metavar: 'path', parse: (word) => word, print: (word) => word }

export const bpf = defineMatch({
  name: 'bpf',
  families: [4, 6],
  exactlyOne: ['bytecode', 'pinned'],
  options: {
    bytecode: { flag: '--bytecode', value: bytecode, doc: 'a program of the classic BPF, as nfbpf_compile prints it' },
    pinned: { flag: '--object-pinned', value: path, doc: 'an eBPF program in the BPF file system' },
  },
  listed: [
    [/match bpf pinned (\S+)/y, (_, path) => `--object-pinned ${path}`],
    [
      /match bpf ((?:\d+ \d+ \d+ \d+,?)+)/y,
      (_, program = '') => `--bytecode "${program.split(',').length},${program}"`,
    ],
  ],
  doc: {
    summary: 'Matches where a BPF program returns anything but 0.',
    notes: [
      'Bytes count from the IP header on.',
      'Programs that ask for what Linux keeps beside a packet (mark, interface, random numbers, …) and pinned programs are not run.',
    ],
    kernel: 'net/netfilter/xt_bpf.c: bpf_mt; net/core/filter.c',
  },
  /** No blank in front of it, and a NUL behind the program (libxt_bpf.c: bpf_print_code). */
  list: ({ bytecode: given, pinned }) =>
    given
      ? `match bpf ${given.value.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`).join(',')}\0`
      : `match bpf pinned ${pinned!.value}`,
  lower({ bytecode: given, pinned }): Condition {
    if (!given) {
      const text = `--object-pinned ${pinned!.value}`
      return { is: 'unknown', text, needs: 'the program is not in the input' }
    }
    const value = probed({ find: 'bpf', program: given.value })
    const answers: Condition = inRanges(value, [[0, 0xffffffff]])
    return any(
      inRanges(value, [[1, 0xffffffff]]),
      all(not(answers), { is: 'unknown', text: '-m bpf', needs: 'the program asks for what is not in the packet' }),
    )
  },
})
