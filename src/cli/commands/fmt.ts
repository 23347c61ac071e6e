import type { CommandSpec } from '../command.js'
import { EXIT } from '../exit.js'

interface Options {
  readonly keepGoing?: boolean
}

export const fmt: CommandSpec<Options> = {
  name: 'fmt',
  arguments: '<file>',
  summary: 'the canonical text of iptables-save, ip6tables-save or iptables -S output',
  exits: '0.',
  examples: ['fmt rules.v4', 'iptables -S | packetwalk fmt -'],
  options(command) {
    command.option('--keep-going', 'report every bad line instead of the first')
  },
  async run() {
    return EXIT.bad
  },
}
