import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const TOOLS = [
  'python3',
  'ip',
  'iptables-legacy-restore',
  'iptables-nft-restore',
  'nft',
  'ipset',
  'conntrack',
  'ss',
  'sysctl',
]

/** Why the harness cannot run here, or undefined. */
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
if (why !== undefined) console.log(`what the kernel harness leaves behind is not tested: ${why}`)

const root = join(import.meta.dirname, '../..')

/** Every process that this one has started, however far down: its id and the inode of its network namespace. */
function descendants(of: number): readonly { readonly pid: number; readonly netns: string }[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {}
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid)
    return parent !== undefined && (parent === of || isBelow(parent))
  }
  return [...parents.keys()].filter(isBelow).flatMap((pid) => {
    try {
      return [{ pid, netns: readlinkSync(`/proc/${pid}/ns/net`) }]
    } catch {
      return []
    }
  })
}

/** Namespaces that any process is in or holds open. */
function namespaces(): ReadonlySet<string> {
  const found = new Set<string>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      found.add(readlinkSync(`/proc/${pid}/ns/net`))
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
        if (target.startsWith('net:')) found.add(target)
      }
    } catch {}
  return found
}

const here = readlinkSync('/proc/self/ns/net')
const links = () => execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' })
const names = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, is: () => boolean): Promise<void> {
  for (let waited = 0; !is(); waited += 50) {
    if (waited > 60_000) throw new Error(`never: ${what}`)
    await pause(50)
  }
}

describe.skipIf(why !== undefined)('what the harness leaves behind', { timeout: 180_000 }, () => {
  let folder = ''
  let child: ChildProcess | undefined

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'packetwalk-kernel-'))
    const build = await rolldown({
      input: join(root, 'kernel/run.ts'),
      platform: 'node',
      resolve: { mainFields: ['module', 'main'] },
    })
    await build.write({ file: join(folder, 'dist/kernel/run.js'), format: 'esm', codeSplitting: false })
    await build.close()
    execFileSync('cp', ['-r', join(root, 'kernel'), folder])
  })

  afterAll(() => {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['SIGINT', 'SIGKILL'] as const)('nothing after %s in the middle of a run', async (signal) => {
    const before = { links: links(), names: names() }
    child = spawn(
      process.execPath,
      [join(folder, 'dist/kernel/run.js'), '--cases', '400', '--seed', '1', '--kernel-only'],
      { cwd: folder, stdio: 'ignore' },
    )
    const ended = new Promise((resolve) => child!.once('exit', resolve))
    const inLabs = () => descendants(child!.pid!).filter(({ netns }) => netns !== here)
    await until('labs are there', () => inLabs().length >= 4)
    await pause(500)
    const started = descendants(child.pid!)
    const made = new Set(started.map(({ netns }) => netns).filter((netns) => netns !== here))
    for (const { pid } of started)
      try {
        for (const fd of readdirSync(`/proc/${pid}/fd`)) {
          const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
          if (target.startsWith('net:') && target !== here) made.add(target)
        }
      } catch {}
    expect(made.size).toBeGreaterThanOrEqual(4)
    child.kill(signal)
    await ended
    await until('its helpers end', () => started.every(({ pid }) => !readdirSync('/proc').includes(`${pid}`)))
    await until('its namespaces go', () => ![...namespaces()].some((one) => made.has(one)))
    expect(links()).toBe(before.links)
    expect(names()).toBe(before.names)
  })

  test('the helper refuses the namespace in which it was started', () => {
    // unshare that does nothing leaves it where it was: every entry compares the namespace with the first one
    const program = `
import ctypes, runpy, sys, io
class Library:
    def unshare(self, flags): return 0
    def mount(self, *given): return 0
    def prctl(self, *given): return 0
    def setns(self, *given): return 0
ctypes.CDLL = lambda *given, **more: Library()
sys.stdin = io.StringIO('{"op": "run", "argv": ["true"]}\\n{"op": "run", "argv": ["true"], "far": true}\\n')
runpy.run_path(sys.argv[1], run_name='__main__')
`
    const out = execFileSync('python3', ['-c', program, join(root, 'kernel/agent.py')], { encoding: 'utf8' })
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(answers).toHaveLength(2)
    for (const answer of answers) expect(answer.error).toMatch(/refused: this is the namespace/)
  })
})
