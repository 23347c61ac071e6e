import type { Condition } from '../../rules/condition.js'
import { ARP_BASE, ARP_BASE_9, ARP_BASE_9_SAVED, ARP_IMPLIED, ARP_TARGETS, ARP_USUAL } from './arptables-options.js'
import { BASE, type LinkMatch, MATCHES } from './ebtables-options.js'
import { type LinkTarget, TARGETS } from './ebtables-targets.js'
import type { AnyLinkOption } from './option.js'

export type LinkProgram = 'ebtables' | 'arptables'

/** Where a base chain of a bridge stands (enum nf_br_hook_priorities), where its hook is one of a packet's. */
export interface LinkBase {
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly priority: number
}

/** What one of the two programs knows. */
export interface LinkLanguage {
  readonly program: LinkProgram
  /** Where `!` is printed: in front of an option, or between it and its word. */
  readonly not: 'before' | 'behind'
  readonly tables: Readonly<Record<string, Readonly<Record<string, LinkBase | undefined>>>>
  readonly base: readonly AnyLinkOption[]
  readonly matches: readonly LinkMatch[]
  readonly targets: readonly LinkTarget[]
  readonly verdicts: readonly string[]
  /** Options with this word are not printed. */
  readonly usual: Readonly<Record<string, string>>
  /** What a rule asks although nobody said so, where the option is not given. */
  readonly implied: readonly (readonly [flag: string, condition: Condition])[]
}

/** Before everything else on its hook (NF_BR_PRI_FIRST): DROP means there that the frame is routed, and not bridged. */
export const BROUTE = -(2 ** 31)

const at = (hook: LinkBase['hook'], priority: number): LinkBase => ({ hook, priority })

export const LANGUAGES: Readonly<Record<LinkProgram, LinkLanguage>> = {
  ebtables: {
    program: 'ebtables',
    not: 'behind',
    tables: {
      filter: { INPUT: at('input', -200), FORWARD: at('forward', -200), OUTPUT: at('output', 200) },
      nat: { PREROUTING: at('prerouting', -300), OUTPUT: at('output', 100), POSTROUTING: at('postrouting', 300) },
      broute: { BROUTING: at('prerouting', BROUTE) },
    },
    base: BASE,
    matches: MATCHES,
    targets: TARGETS,
    verdicts: ['ACCEPT', 'DROP', 'CONTINUE', 'RETURN'],
    usual: {},
    implied: [],
  },
  arptables: {
    program: 'arptables',
    not: 'before',
    tables: { filter: { INPUT: at('input', 0), OUTPUT: at('output', 0), FORWARD: at('forward', 0) } },
    base: ARP_BASE_9,
    matches: [],
    targets: ARP_TARGETS,
    verdicts: ['ACCEPT', 'DROP', 'RETURN', 'QUEUE', 'CONTINUE'],
    usual: ARP_USUAL,
    implied: ARP_IMPLIED,
  },
}

/** Since 1.8.11 ebtables has its `!` in front, and arptables the masks of its numbers. */
const NEWER: Readonly<Record<LinkProgram, LinkLanguage>> = {
  ebtables: { ...LANGUAGES.ebtables, not: 'before' },
  arptables: { ...LANGUAGES.arptables, base: ARP_BASE, usual: { '--h-length': '6', '--h-type': '0x1' } },
}

/** What arptables-save up to 1.8.10 prints is not what arptables reads: a hardware type in decimal. */
const OLDER: Readonly<Record<LinkProgram, LinkLanguage>> = {
  ebtables: LANGUAGES.ebtables,
  arptables: { ...LANGUAGES.arptables, base: ARP_BASE_9_SAVED },
}

/** What the -save program of a version prints. */
export function savedLanguage(program: LinkProgram, version: string): LinkLanguage {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const newer = major > 1 || (major === 1 && (minor > 8 || (minor === 8 && patch >= 11)))
  return (newer ? NEWER : OLDER)[program]
}

/** What commands of the version read that has saved so. */
export const commandLanguage = (language: LinkLanguage): LinkLanguage =>
  language === OLDER[language.program] ? LANGUAGES[language.program] : language
