import type { InputFile } from './problem.js'

/** A part of a paste: what one command printed. */
export interface Pasted extends InputFile {
  /** What a file with this output would be called: `iptables_-t_nat_-nvL`. */
  readonly hint: string
}

/** `root@host:~# iptables …`, `[root@host ~]# …`, `host# …`, `$ …`, `# …`. */
const PROMPT =
  /^(?:\[?[\w.-]+@[\w.-]+[^#$%>\n]{0,60}\]?\s*[#$%>]|[\w.-]{1,40}:?~?[#$]|[#$])\s+(?:sudo\s+)?(?:\/\S*\/)?(\S+)(.*)$/
/** Commands whose output is read, with what has to follow the name: `# ip addresses of the servers` is a remark. */
const COMMANDS: Readonly<Record<string, RegExp>> = {
  ip: /^( -[\w-]+)* (a|ad|addr|address|r|ro|route|ru|rule|l|li|link|n|ne|neigh|neighbour|neighbor)( |$)/,
  bridge: /^( -[\w-]+)* (link|fdb|vlan)( |$)/,
  nft: /^( -[\w-]+)* list /,
  sysctl: /^ (-|\w+\.)/,
  conntrack: /^ (-L|--dump)/,
  ss: /^ -/,
  netstat: /^ -/,
  ipset: /^ (list|save|-[LS])/,
}
const TABLES = /^(?:ip6?|arp|eb)tables(?:-nft|-legacy)?(-save)?$/

function commandOf(line: string): string | undefined {
  const [, name = '', rest = ''] = PROMPT.exec(line) ?? []
  const words = rest.trimEnd()
  const save = TABLES.exec(name)
  if (save) return save[1] || /^ .*-(\w*[LS]|-list)/.test(words) ? name + words : undefined
  return COMMANDS[name]?.test(words) ? name + words : undefined
}

/** Ends what a command printed: a prompt with another command, or with none. */
const isPrompt = (line: string): boolean => /^(\[?[\w.-]+@[\w.-]+[^#$%>\n]{0,60}\]?\s*[#$%>])(\s|$)/.test(line)

/**
 * The outputs of several commands in one text, with the prompts behind which they were typed; undefined where it is none. Lines keep their numbers:
 * each part has as many empty ones in front.
 */
export function splitPaste({ path, text }: InputFile): readonly Pasted[] | undefined {
  if (!/[#$%>]\s+(?:sudo\s+)?\S*(?:tables|ip|bridge|nft|sysctl|conntrack|ss|netstat|ipset)\b/.test(text.slice(0, LOOKED_AT))) return undefined
  const lines = text.split('\n')
  const parts: Pasted[] = []
  let hint: string | undefined
  let from = 0
  const close = (to: number) => {
    if (hint === undefined) return
    const body = lines.slice(from, to).join('\n')
    parts.push({ path, text: `${'\n'.repeat(from)}${body}\n`, hint })
  }
  for (const [i, line] of lines.entries()) {
    const command = commandOf(line.trimEnd())
    if (command === undefined && !(hint !== undefined && isPrompt(line))) continue
    close(i)
    hint = command === undefined ? undefined : command.trim().replace(/[^\w.-]+/g, '_')
    from = i + 1
  }
  close(lines.length)
  return parts.length === 0 ? undefined : parts
} // biome-ignore format: one long line

const LOOKED_AT = 1 << 20
