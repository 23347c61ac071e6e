import { type Codec, type MarkMask, mark } from './codec.js'

/**
 * `VALUE[/MASK]` or a name that iproute2 gives to the value; a value without a mask prints as its name (libxtables: xtables_parse_val_mask,
 * xtables_print_val_mask). The names are those of every distribution's /etc/iproute2; others are not known here.
 */
export const namedMark = (names: Readonly<Record<string, number>>): Codec<MarkMask> => ({
  ...mark,
  metavar: 'name|value[/mask]',
  parse(word) {
    const value = names[word]
    return value === undefined ? mark.parse(word) : { value, mask: 0xffffffff }
  },
  print(given) {
    const name = Object.keys(names).find((key) => names[key] === given.value)
    return name !== undefined && given.mask === 0xffffffff ? name : mark.print(given)
  },
})

/** /etc/iproute2/group. */
export const deviceGroup = namedMark({ default: 0 })
/** /etc/iproute2/rt_realms. */
export const routeRealm = namedMark({ cosmos: 0 })
