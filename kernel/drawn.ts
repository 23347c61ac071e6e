import { matches } from '../src/xtables/matches/index.js'
import { targets } from '../src/xtables/targets/index.js'
import { ruleLines } from './verdict.js'

/** How often each extension stood in a rule that the kernel took, and in one that counted a packet; by family. */
export class Drawn {
  readonly #counts = new Map<string, { rules: number; counted: number }>()

  /** `save`: what `iptables-save -c` printed. */
  add(family: 4 | 6, save: string): void {
    for (const { packets, text } of ruleLines(save)) {
      const names = [...text.matchAll(/ -m (\S+)/g)].map(([, name]) => name!)
      const target = / -j (\S+)/.exec(text)?.[1]
      for (const name of new Set([...names, ...(target === undefined ? [] : [target])])) {
        const count = this.#counts.get(`${family} ${name}`) ?? { rules: 0, counted: 0 }
        this.#counts.set(`${family} ${name}`, {
          rules: count.rules + 1,
          counted: count.counted + (packets > 0 ? 1 : 0),
        })
      }
    }
  }

  /** A line for every extension: `dscp  57 (31)  60 (29)`. */
  lines(): readonly string[] {
    const cell = (family: 4 | 6, name: string) => {
      const count = this.#counts.get(`${family} ${name}`)
      return (count ? `${count.rules} (${count.counted})` : '-').padStart(14)
    }
    return [...Object.keys(matches), ...Object.keys(targets)].map(
      (name) => `  ${name.padEnd(14)}${cell(4, name)}${cell(6, name)}`,
    )
  }
}
