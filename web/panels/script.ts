/** Commands of the console, `node1/web: iptables …`, as a shell script for each host. */
export function shellScript(commands: readonly string[]): string {
  const lines = ['#!/bin/sh -e']
  let host: string | undefined
  for (const command of commands) {
    const [, place = '', rest = command] = /^\s*([^\s:'"]+):\s+(.*)$/s.exec(command) ?? []
    const [on = '', ...namespace] = place.split('/')
    if (on !== host && on !== '') lines.push(`# on ${on}`)
    host = on
    lines.push(namespace.length === 0 ? rest : `ip netns exec ${namespace.join('/')} ${rest}`)
  }
  return `${lines.join('\n')}\n`
}
