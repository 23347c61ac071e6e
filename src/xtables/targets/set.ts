import type { Effect } from '../../rules/effect.js'
import { type Codec, flag, unsigned, WordError } from '../codec.js'
import type { Given } from '../extension.js'
import { type SetUse, setUse } from '../set-use.js'
import { defineTarget } from '../target.js'

/** UINT32_MAX stands for "not said". */
const LONGEST = 2 ** 32 - 2

const seconds: Codec<number> = {
  words: 1,
  metavar: 'seconds',
  parse(word) {
    const value = unsigned(word)
    if (value === undefined || value > LONGEST)
      throw new WordError(`Invalid value for option --timeout or out of range 0-${LONGEST}`)
    return value
  },
  print: String,
}

/** IPSET_MAX_TIMEOUT: the kernel counts milliseconds in 32 bits, one bit of them kept free. */
const MOST = Math.floor((2 ** 32 - 1) / 1000 / 2)

const MAPS = { mark: 'mark', prio: 'priority', queue: 'queue' } as const

type Options = Readonly<Record<string, Given<unknown> | undefined>>

/** As it is printed, `mark` before each option. */
function print(given: Options, mark: string): string {
  const words: string[] = []
  const use = (key: 'add' | 'del' | 'map') => {
    const option = given[key] as Given<SetUse> | undefined
    if (option) words.push(`${mark}${key}-set ${setUse.print(option.value)}`)
  }
  use('add')
  if (given['exist']) words.push(`${mark}exist`)
  if (given['timeout']) words.push(`${mark}timeout ${given['timeout'].value}`)
  use('del')
  use('map')
  for (const key of ['mark', 'prio', 'queue']) if (given[key]) words.push(`${mark}map-${key}`)
  return words.join(' ')
}

export const set = defineTarget({
  name: 'SET',
  families: [4, 6],
  chains: ({ prio, queue }) => (prio || queue ? ['FORWARD', 'OUTPUT', 'POSTROUTING'] : undefined),
  options: {
    add: { flag: '--add-set', value: setUse, doc: 'adds what the packet has there' },
    exist: { flag: '--exist', value: flag, doc: 'an entry that is there is given its time anew' },
    timeout: { flag: '--timeout', value: seconds, doc: 'how long the entry stays, instead of as the set says' },
    del: { flag: '--del-set', value: setUse, doc: 'deletes it' },
    map: { flag: '--map-set', value: setUse, doc: 'looks the packet up; what the entry carries goes to the packet' },
    mark: { flag: '--map-mark', value: flag, doc: 'its mark' },
    prio: { flag: '--map-prio', value: flag, doc: 'its priority' },
    queue: { flag: '--map-queue', value: flag, doc: 'its hardware queue' },
  },
  check({ add, del, map, exist, timeout, mark, prio, queue }, { table }) {
    if (!add && !del && !map) return "You must specify either `--add-set' or `--del-set' or `--map-set'"
    if (!add && exist) return "Flag `--exist' can be used with `--add-set' only"
    if (!add && timeout) return "Option `--timeout' can be used with `--add-set' only"
    if (map && !mark && !prio && !queue) return "You must specify flags `--map-mark' or `--map-prio' or `--map-queue'"
    if (map && table !== 'mangle') return `--map-set may only be used in the table mangle, not in ${table}`
    return undefined
  },
  print: (given) => print(given, '--'),
  list: (given) => ` ${print(given, '')}`,
  listed: [
    [
      /(?:(?:add|del|map)-set \S+ (?:src|dst)(?:,(?:src|dst))*(?: exist| timeout \d+| map-mark| map-prio| map-queue)* ?)+/y,
      (words) =>
        words
          .trim()
          .replaceAll(
            /(?<=^|(?:src|dst|exist|\d|mark|prio|queue) )((?:add|del|map)-set \S+ \S+|exist|timeout \d+|map-\w+)/g,
            '--$1',
          ),
    ],
  ],
  doc: {
    summary: 'Adds to an ipset, deletes from it, or takes from it, and goes on.',
    notes: ['The type of the set says what a dimension is: address, port, MAC, interface.'],
    kernel: 'net/netfilter/xt_set.c: set_target_v3',
  },
  lower({ add, del, map, exist, timeout, mark, prio, queue }, { family }): readonly Effect[] {
    const use = ({ value: { set: name, directions } }: Given<SetUse>) => ({ set: name, directions, family })
    const effects: Effect[] = []
    if (add)
      effects.push({
        do: 'change-set',
        how: 'add',
        use: use(add),
        exist: exist !== undefined,
        ...(timeout ? { timeout: Math.min(timeout.value, MOST) } : {}),
      })
    if (del) effects.push({ do: 'change-set', how: 'delete', use: use(del), exist: false })
    if (map) {
      const said = { mark, prio, queue }
      const to = (Object.keys(MAPS) as (keyof typeof MAPS)[]).filter((key) => said[key]).map((key) => MAPS[key])
      effects.push({ do: 'map-set', use: use(map), to })
    }
    return effects
  },
})
