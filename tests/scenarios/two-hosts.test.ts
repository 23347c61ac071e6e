import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeHosts } from '../../kernel/hosts/main.js'

const TOOLS = ['python3', 'ip', 'bridge', 'ss', 'sysctl', 'iptables-restore', 'iptables-save', 'conntrack']

/** Why no hosts can be made here, or undefined. */
function impossible(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('which', TOOLS, { stdio: 'ignore' })
    return undefined
  } catch {
    return `needs ${TOOLS.join(', ')}`
  }
}

const why = impossible()
if (why !== undefined) console.log(`two hosts with real pods are not tested: ${why}`)

describe.skipIf(why !== undefined)('two Kubernetes nodes in namespaces of their own', () => {
  test('what real sockets in real pods see is what the model says, and so are the connections of both nodes', async () => {
    const said: string[] = []
    const differ = await judgeHosts(join(import.meta.dirname, '../../samples/k8s-cluster'), (line) => said.push(line))
    expect(said.filter((line) => line.startsWith('DIFFERS'))).toEqual([])
    expect(differ).toBe(0)
    expect(said).toContain('agrees  pod to itself through its Service: connected, web saw 10.244.1.1, on port 8080')
    expect(said).toContain('agrees  pod to a Service without endpoints: connection refused')
    expect(said).toContain('agrees  outside through a node that lets nobody through: timeout')
    expect(said.at(-1)).toBe('two hosts: 18 of 18 flows agree')
  })
})
