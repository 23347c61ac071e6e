/** A word of a command line as a shell would hand it over, and where it begins (from 1). */
export interface ShellWord {
  readonly text: string
  readonly column: number
}

/** POSIX quoting (Shell Command Language 2.2) without expansions. `open`: the column of a quote that is never closed. */
export function shellWords(line: string): { readonly words: readonly ShellWord[]; readonly open: number | undefined } {
  const words: ShellWord[] = []
  let i = 0
  while (i < line.length) {
    if (/\s/.test(line[i]!)) {
      i++
      continue
    }
    const column = i + 1
    let text = ''
    while (i < line.length && !/\s/.test(line[i]!)) {
      const quote = line[i]!
      if (quote === "'" || quote === '"') {
        const begun = i++
        while (i < line.length && line[i] !== quote) {
          if (quote === '"' && line[i] === '\\' && /["\\$`]/.test(line[i + 1] ?? '')) i++
          text += line[i++]
        }
        if (i >= line.length) return { words, open: begun + 1 }
        i++
      } else if (quote === '\\' && i + 1 < line.length) {
        text += line[i + 1]
        i += 2
      } else text += line[i++]
    }
    words.push({ text, column })
  }
  return { words, open: undefined }
}
