import { type Codec, flag, integer, WordError } from '../codec.js'
import { defineTarget } from '../target.js'

/** MAX_IDLETIMER_LABEL_SIZE with its final NUL. */
const LONGEST = 27
/** INT_MAX / 1000 - 1: the timer counts milliseconds in an int. */
const MOST_SECONDS = 2147482

const label: Codec<string> = {
  words: 1,
  metavar: 'label',
  parse(word) {
    const cut = word.slice(0, LONGEST)
    // the label is the name of a file in /sys/class/xt_idletimer/timers
    if (cut === '' || cut.includes('/')) throw new WordError(`bad label "${word}"`)
    if (['power', 'subsystem', 'uevent'].includes(cut)) throw new WordError(`the label "${cut}" is taken`)
    return cut
  },
  print: (word) => word,
}

export const idletimer = defineTarget({
  name: 'IDLETIMER',
  families: [4, 6],
  required: ['timeout', 'label'],
  options: {
    timeout: { flag: '--timeout', value: integer(MOST_SECONDS, 'timeout', 1), doc: 'seconds of silence' },
    label: { flag: '--label', value: label, doc: 'the name of the timer, shared by the rules that name it' },
    alarm: { flag: '--alarm', value: flag, doc: 'a timer that wakes a sleeping machine' },
  },
  doc: {
    summary: 'Starts a timer anew, which tells user space when nothing came for some time. The packet goes on.',
    kernel: 'net/netfilter/xt_IDLETIMER.c: idletimer_tg_target',
  },
  list: ({ timeout, label: given, alarm }) =>
    ` timeout:${timeout!.value} label:${given!.value}${alarm ? ' alarm' : ''}`,
  lower: ({ label: given }) => [{ do: 'log', prefix: '', what: `IDLETIMER ${given!.value}: starts anew` }],
})
