import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { parseIpv4 } from '../src/address/ip.js'
import { parseMac } from '../src/address/mac.js'
import { readCapture } from '../src/packet/capture.js'
import { frameOfPacket } from '../src/packet/frame.js'
import { parsePacketLine } from '../src/packet/language.js'
import { pcapngHeader, pcapngPacket } from '../src/packet/pcapng.js'
import { toPacket } from '../src/packet/request.js'
import { columns } from '../src/report/line.js'
import { packetwalk, withFiles } from './support/cli.js'

const root = join(import.meta.dirname, '..')
const K8S = join(root, 'samples/k8s-cluster')
const DOCKER = join(root, 'samples/docker-host')
const UFW = join(root, 'samples/docker-ufw-host')
const PUBLISHED = 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 syn in eth0'

describe('exit status and verdict', () => {
  test.each<[number, RegExp, string[]]>([
    [0, /^delivered .*web.* 10\.244\.1\.3:8080/, ['trace', K8S, 'tcp > 10.96.100.7:80 from node1', '-q']],
    [0, /^delivered /, ['trace', K8S, '-q', 'tcp', '->', '10.96.100.7:80', 'from', 'node1']],
    [
      0,
      /^delivered /,
      ['trace', K8S, '-q', '--proto', 'tcp', '--dst', '10.96.100.7', '--dport', '80', '--from', 'node1'],
    ],
    [1, /^rejected .*KUBE-SERVICES.*refused/, ['trace', K8S, 'tcp > 10.96.100.8:80 from node1', '-q']],
    [
      1,
      /^dropped filter\/DOCKER-USER rule 1/,
      ['trace', DOCKER, PUBLISHED, '-q', '--with', 'iptables -I DOCKER-USER -j DROP'],
    ],
    [1, /ip-forward-off/, ['trace', DOCKER, PUBLISHED, '-q', '--with', 'sysctl -w net.ipv4.ip_forward=0']],
    [0, /^the connection works/, ['connect', K8S, 'tcp > 10.96.100.7:80 from node1', '-q']],
    [1, /^the connection does not work/, ['connect', K8S, 'tcp > 10.96.100.8:80 from node1', '-q']],
  ])('%i, %s: %j', async (status, verdict, args) => {
    const ran = await packetwalk(args)
    expect(ran.err).toBe('')
    expect(ran.out).toMatch(verdict)
    expect(ran.status).toBe(status)
  })

  test.each(['trace', 'connect', 'show', 'fmt', 'iptables', 'iptables-restore', 'replay', 'completion'])(
    '%s --help has examples and the exit statuses',
    async (name) => {
      const { status, out, err } = await packetwalk([name, '--help'])
      expect([status, err]).toEqual([0, ''])
      expect(out).toContain(`$ packetwalk ${name} `)
      expect(out).toContain('Exit status: 0')
    },
  )

  test('--version', async () => {
    expect(await packetwalk(['--version'])).toEqual({ status: 0, out: `${manifest.version}\n`, err: '' })
  })
})

describe('iptables on the rules of a snapshot', () => {
  test.each<[number, RegExp, string[]]>([
    [0, /^-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n/, ['iptables', DOCKER, '-S', 'FORWARD']],
    [0, /^-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n$/, ['iptables', DOCKER, '--', '-S', 'DOCKER-USER']],
    [
      0,
      /^1 +\d+ +\d+ DOCKER +0 +-- +\* .*ADDRTYPE match dst-type LOCAL\n$/,
      ['iptables', DOCKER, '-t', 'nat', '-nvxL', 'PREROUTING', '1', '--line-numbers'],
    ],
    [
      0,
      /^\*filter\n[\s\S]*-A INPUT -s 192\.0\.2\.1\/32 -j DROP\n[\s\S]*COMMIT\n$/,
      ['iptables', DOCKER, '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP'],
    ],
    [0, /^-P INPUT ACCEPT\n$/, ['iptables', '--namespace', 'node1/shell', K8S, '-S', 'INPUT']],
    [1, /^$/, ['iptables', DOCKER, '-C', 'FORWARD', '-j', 'DROP']],
    [2, /^$/, ['iptables', DOCKER, '-N', 'DOCKER']],
  ])('%i, %s: %j', async (status, out, args) => {
    const ran = await packetwalk(args)
    expect(ran.out).toMatch(out)
    expect(ran.status).toBe(status)
  })
})

describe('fmt of ipset save', () => {
  const SAVED =
    'create web hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 600 bucketsize 12 initval 0x7bc81ce7\nadd web 10.0.0.1,tcp:80 timeout 599\n'
  test('is the identity', async () => {
    expect(await packetwalk(['fmt', '-'], { stdin: SAVED })).toEqual({ status: 0, out: SAVED, err: '' })
  })
  test('refuses with line and column', async () => {
    const ran = await packetwalk(['fmt', '-'], { stdin: `${SAVED}add web nonsense\n` })
    expect(ran.status).toBe(2)
    expect(ran.err).toMatch(/^-:3:\d+: /)
  })
})

describe('bad usage: 2, and one message', () => {
  test.each<[string, string[]]>([
    ["unknown command 'nonsense'", ['nonsense']],
    ["unknown option '--nonsense'", ['trace', K8S, 'tcp > 1.2.3.4:80', '--nonsense']],
    ["missing required argument 'snapshot'", ['trace']],
    ['which packet?', ['trace', K8S]],
    ['the packet is told twice', ['trace', K8S, 'tcp > 1.2.3.4:80', '--dst', '1.2.3.4']],
    ['It must be a number from 0 to 65535', ['trace', K8S, '--dst', '1.2.3.4', '--dport', '99999']],
    ['Allowed choices are auto, always, never', ['show', K8S, '--color', 'sometimes']],
    ['no such file or folder', ['trace', '/nowhere/at/all', 'tcp > 1.2.3.4:80']],
    ['on which host? Write "node1: iptables', ['show', K8S, '--with', 'iptables -F']],
    ['nothing in the snapshot is called "mars"', ['trace', K8S, 'tcp > 1.2.3.4:80 from mars']],
    ['Allowed choices are bash, zsh, fish', ['completion', 'csh']],
  ])('%s: %j', async (message, args) => {
    const { status, out, err } = await packetwalk(args)
    expect(err).toContain(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect([status, out]).toEqual([2, ''])
  })

  test('no command at all: the help, on standard error', async () => {
    const { status, out, err } = await packetwalk([])
    expect([status, out]).toEqual([2, ''])
    expect(err).toContain('Usage: packetwalk')
  })

  test('a --with command that is refused: which one, in the words of the real program', async () => {
    const withs = ['iptables -N NEW', 'iptables -N DOCKER'].flatMap((command) => ['--with', command])
    const { status, out, err } = await packetwalk(['trace', DOCKER, PUBLISHED, ...withs])
    expect(err.split('\n').slice(0, 2)).toEqual([
      '--with 2:1:13: iptables: Chain already exists.',
      '  iptables -N DOCKER',
    ])
    expect([status, out]).toEqual([2, ''])
  })

  test('a packet that cannot be read has a caret under the word', async () => {
    const { status, err } = await packetwalk(['trace', K8S, 'tcp > 1.2.3.4:80 bogus'])
    expect(status).toBe(2)
    const [head, line, caret] = err.split('\n')
    expect(head).toMatch(/^packet:1:18: .*bogus/)
    expect(line?.slice(caret?.indexOf('^'))).toBe('bogus')
  })
})

const save = (...rules: string[]): string =>
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n')

describe('input that cannot be read: 2, its place, a caret, and nothing on standard output', () => {
  test.each<[string, string, string, RegExp]>([
    [
      'a rule cut off',
      'iptables-save',
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport',
      /^iptables-save:3:\d+: /,
    ],
    [
      'no COMMIT',
      'iptables-save',
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\n',
      /^iptables-save:\d+:\d+: .*COMMIT/,
    ],
    [
      'an unknown option',
      'iptables-save',
      save('-A INPUT -p tcp -m tcp --dportt 80 -j ACCEPT'),
      /^iptables-save:5:24: .*--dportt/,
    ],
    ['a jump nowhere', 'iptables-save', save('-A INPUT -j NOWHERE'), /^iptables-save:5:\d+: .*NOWHERE/],
    [
      'a loop',
      'iptables-save',
      save('-A INPUT -j A', '-A A -j B', '-A B -j A').replace('*filter', '*filter\n:A - [0:0]\n:B - [0:0]'),
      /^iptables-save:\d+:\d+: .*loop/i,
    ],
    [
      'JSON cut in half',
      'ip-route.json',
      readFileSync(join(K8S, 'node1/ip-route.json'), 'utf8').slice(0, 300),
      /^ip-route\.json:\d+:\d+: /,
    ],
  ])('%s', async (_, name, text, message) => {
    await withFiles({ [name]: text }, async (folder) => {
      const { status, out, err } = await packetwalk(['trace', folder, 'tcp 10.0.0.1 > 10.0.0.2:80'])
      expect(err.startsWith(`${folder}/`)).toBe(true)
      expect(err.slice(folder.length + 1)).toMatch(message)
      const [, line, caret, ...rest] = err.split('\n')
      expect(rest).toEqual([''])
      expect(caret).toMatch(/^ +\^$/)
      expect(line?.length).toBeGreaterThanOrEqual(caret!.indexOf('^'))
      expect([status, out]).toEqual([2, ''])
    })
  })

  test('a line of 50 MB is cut around the column', async () => {
    const text = save(`-A INPUT -m comment --comment "${'x'.repeat(50_000_000)}" --nonsense -j ACCEPT`)
    await withFiles({ 'iptables-save': text }, async (folder) => {
      const { status, err } = await packetwalk(['show', folder])
      expect(status).toBe(2)
      expect(err.slice(folder.length + 1)).toMatch(/^iptables-save:5:\d+: /)
      expect(Math.max(...err.split('\n').slice(1).map(columns))).toBeLessThanOrEqual(80)
    })
  })

  test('control characters of the input do not reach the terminal', async () => {
    const text = save('-A INPUT -m comment --comment "\u001b[31mred\u202e" --nonsense -j ACCEPT')
    await withFiles({ 'iptables-save': text }, async (folder) => {
      const { err } = await packetwalk(['show', folder], { terminal: true })
      expect(err).toContain('\\x1b[31mred\\u202e')
      for (const character of ['\u001b', '\u202e']) expect(err.includes(character)).toBe(false)
    })
  })
})

describe('what is shown', () => {
  const trace = ['trace', K8S, 'tcp > 10.96.100.7:80 from node1']

  test('80 columns, plain ASCII and no colours in a pipe', async () => {
    for (const args of [
      trace,
      [...trace, '-v'],
      ['connect', ...trace.slice(1)],
      ['show', K8S],
      [...trace, '--brief'],
    ]) {
      const { out } = await packetwalk(args)
      expect(out).toMatch(/^[ -~\n]*$/)
      const tooWide = out.split('\n').filter((line) => columns(line) > 80 && line.trim().includes('  '))
      expect(tooWide).toEqual([])
    }
  })

  const ESCAPE = '\u001b['
  test.each<[boolean, string[], Parameters<typeof packetwalk>[1]]>([
    [true, [], { terminal: true }],
    [false, [], {}],
    [false, [], { terminal: true, env: { NO_COLOR: '1' } }],
    [true, [], { terminal: true, env: { NO_COLOR: '' } }],
    [false, [], { terminal: true, env: { TERM: 'dumb' } }],
    [true, ['--color', 'always'], { env: { NO_COLOR: '1' } }],
    [false, ['--color', 'never'], { terminal: true }],
  ])('colours %s: %j %j', async (colours, flags, given) => {
    const { out } = await packetwalk([...trace, ...flags], given)
    expect(out.includes(ESCAPE)).toBe(colours)
  })

  test('the same question has the same answer', async () => {
    const [first, second] = await Promise.all([packetwalk([...trace, '--json']), packetwalk([...trace, '--json'])])
    expect(first.out).toBe(second.out)
  })
})

describe('--json is what schema/ says', () => {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true })
  const schema = (name: string) => JSON.parse(readFileSync(join(root, `schema/${name}.schema.json`), 'utf8'))
  ajv.addSchema(schema('trace'))

  test.each<[string[]]>([
    [['show', K8S]],
    [['show', DOCKER]],
    [['show', UFW]],
    [['trace', K8S, 'tcp > 10.96.100.7:80 from node1']],
    [['trace', K8S, 'tcp > 10.96.100.8:80 from node1']],
    [['trace', K8S, 'udp > 10.96.0.10:53 from node1/shell']],
    [['trace', DOCKER, 'icmp > 172.17.0.2']],
    [['trace', UFW, 'tcp 198.51.100.9 > 172.17.0.2:80 in docker0']],
    [['connect', K8S, 'tcp > 10.96.100.7:80 from node1']],
    [['connect', K8S, 'tcp > 10.96.100.8:80 from node1']],
    [['connect', K8S, 'udp > 10.96.0.10:53 from node1/shell']],
    [['trace', `${UFW}/iptables-save`, 'tcp 198.51.100.9 > 192.0.2.10:8080 in eth0']],
    [['connect', `${UFW}/iptables-save`, 'tcp 198.51.100.9 > 192.0.2.10:8080 in eth0']],
  ])('%j', async ([name, ...args]) => {
    const { out, err } = await packetwalk([name!, ...args, '--json'])
    expect(err).toBe('')
    const validate =
      name === 'trace' ? ajv.getSchema('trace.schema.json')! : ajv.compile({ ...schema(name!), $id: undefined })
    const document = JSON.parse(out)
    validate(document)
    expect(validate.errors).toBeNull()
    const sum =
      document.branches?.reduce((total: number, { probability }: { probability: number }) => total + probability, 0) ??
      1
    expect(sum).toBeCloseTo(1, 12)
  })
})

describe('the built command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'packetwalk-built-'))
  const cli = join(folder, 'cli.js')
  beforeAll(async () => {
    const { default: config } = await import(join(root, 'rolldown.config.js'))
    const bundle = await rolldown({ ...config, cwd: root })
    await bundle.write({ ...config.output, file: cli })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const node = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', cwd: folder })

  test('is one file that runs anywhere', () => {
    const { status, stdout } = node('--version')
    expect([status, stdout]).toEqual([0, `${manifest.version}\n`])
  })

  test('gives the shell the status of the answer', () => {
    expect(node('trace', K8S, '-q', 'tcp > 10.96.100.7:80 from node1').status).toBe(0)
    expect(node('trace', K8S, '-q', 'tcp > 10.96.100.8:80 from node1').status).toBe(1)
    expect(node('trace', K8S, '-q', 'nonsense').status).toBe(2)
  })

  test('ends quietly when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [cli, 'trace', K8S, 'tcp > 10.96.100.7:80 from node1', '-v', '--json'])
    let err = ''
    child.stderr.on('data', (data) => {
      err += data
    })
    child.stdout.once('data', () => child.stdout.destroy())
    await new Promise((ended) => child.once('close', ended))
    expect(err).toBe('')
  })

  test('completion scripts are sound', () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { status, stdout } = node('completion', shell)
      expect(status).toBe(0)
      for (const word of ['trace', 'connect', 'replay', 'verbose']) expect(stdout).toContain(word)
    }
    const bash = spawnSync('bash', ['-n'], { input: node('completion', 'bash').stdout, encoding: 'utf8' })
    expect([bash.status, bash.stderr]).toEqual([0, ''])
    const asked = `source /dev/stdin <<< "$SCRIPT"; COMP_WORDS=(packetwalk tr); COMP_CWORD=1; _packetwalk; echo "\${COMPREPLY[*]}"`
    const words = spawnSync('bash', ['-c', asked], {
      env: { ...process.env, SCRIPT: node('completion', 'bash').stdout },
      encoding: 'utf8',
    })
    expect(words.stdout).toBe('trace\n')
  })
})

describe('replay', () => {
  const ip = (text: string) => parseIpv4(text)!
  const syn = (sport: number, mac: { source: number; destination: number }) => {
    const fields = parsePacketLine(`tcp 192.168.50.100:${sport} > 192.168.50.11:30080`)
    if (!fields.ok || fields.packet.is !== 'fields') throw new Error('no packet')
    const packet = toPacket(fields.packet, { src: ip('192.168.50.100'), dst: ip('192.168.50.11') })
    return frameOfPacket(packet, { ...mac, ethertype: 0x0800 })
  }
  const node1Eth0 = (
    JSON.parse(readFileSync(join(K8S, 'node1/ip-link.json'), 'utf8')) as { ifname: string; address: string }[]
  ).find(({ ifname }) => ifname === 'eth0')!.address
  const mac = { source: 0x020000000001, destination: parseMac(node1Eth0)! }
  const capture = (...frames: readonly Uint8Array[]) =>
    Buffer.concat([
      pcapngHeader([{ name: 'eth0', linktype: 1 }]),
      ...frames.map((frame, i) => pcapngPacket(0, 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n, frame)),
    ])

  test('a NodePort from outside: frames, counters and connections', async () => {
    await withFiles({}, async (folder) => {
      writeFileSync(join(folder, 'in.pcapng'), capture(syn(40000, mac), syn(40000, mac)))
      const at = (name: string) => join(folder, name)
      const args = [
        'replay',
        K8S,
        at('in.pcapng'),
        '--namespace',
        'node1',
        '--out',
        at('out.pcapng'),
        '--counters',
        at('counters'),
        '--conntrack',
        at('conntrack'),
      ]
      const { status, out, err } = await packetwalk(args)
      expect([status, err]).toEqual([0, ''])
      const lines = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines.map(({ packet, outcome }) => [packet, outcome])).toEqual([
        [1, 'sent'],
        [2, 'sent'],
      ])
      // VXLAN to the other node: the pod is there
      expect(lines[0].sent.map((frame: { interface: string }) => frame.interface)).toEqual(['eth0'])
      const sent = [...readCapture([readFileSync(at('out.pcapng'))])]
      expect(sent.map((item) => ('bytes' in item ? Buffer.from(item.bytes).toString('hex') : item.problem))).toEqual(
        lines.flatMap((line) => line.sent.map(({ frame }: { frame: string }) => frame)),
      )
      expect(readFileSync(at('conntrack'), 'utf8')).toMatch(
        /^ipv4 {5}2 tcp {6}6 \d+ SYN_SENT src=192\.168\.50\.100 dst=192\.168\.50\.11 sport=40000 dport=30080 .*\[UNREPLIED\] src=10\.244\.1\.3 dst=10\.244\.0\.0 sport=8080 /m,
      )
      const counters = readFileSync(at('counters'), 'utf8')
      // 2 there, 1 from the snapshot: only the first packet of a connection asks nat
      expect(counters).toContain(
        '[2:100] -A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-CDGGSHYLG3RE2FKL',
      )
    })
  })

  test.each<[string, readonly string[]]>([
    ['--namespace: which one?', []],
    ['nothing in the snapshot is called "mars"', ['--namespace', 'mars']],
  ])('%s', async (message, flags) => {
    await withFiles({}, async (folder) => {
      writeFileSync(join(folder, 'in.pcapng'), capture(syn(40000, mac)))
      const { status, out, err } = await packetwalk(['replay', K8S, join(folder, 'in.pcapng'), ...flags])
      expect([status, out]).toEqual([2, ''])
      expect(err).toContain(message)
    })
  })

  test('a capture that is cut off is refused whole', async () => {
    await withFiles({}, async (folder) => {
      const file = join(folder, 'in.pcapng')
      writeFileSync(file, capture(syn(40000, mac)).subarray(0, -20))
      const { status, out, err } = await packetwalk(['replay', K8S, file, '--namespace', 'node1'])
      expect([status, out]).toEqual([2, ''])
      expect(err).toMatch(/in\.pcapng: at byte \d+: /)
    })
  })

  test('one packet of a capture is a question too', async () => {
    await withFiles({}, async (folder) => {
      const file = join(folder, 'in.pcapng')
      writeFileSync(file, capture(syn(40000, mac), syn(40001, mac)))
      const { status, out } = await packetwalk(['trace', K8S, `${file}#2`, '-q', '--from', 'node1'])
      expect(status).toBe(0)
      expect(out).toMatch(/^delivered on node2\/web: tcp 10\.244\.0\.0:\d+ > 10\.244\.1\.3:8080 /)
      expect((await packetwalk(['trace', K8S, `${file}#3`])).err).toContain('holds 2 packets')
    })
  })
})

describe('fmt', () => {
  const NAT = ['-P PREROUTING ACCEPT', '-P INPUT ACCEPT', '-P OUTPUT ACCEPT', '-P POSTROUTING ACCEPT']
  const MASQUERADES = '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'

  test('tells from the policies of iptables -S which table it is', async () => {
    const stdin = [...NAT, MASQUERADES, ''].join('\n')
    expect(await packetwalk(['fmt', '-'], { stdin })).toEqual({ status: 0, out: stdin, err: '' })
  })

  test('puts rules together from iptables -L, and says so', async () => {
    const head = ' pkts bytes target     prot opt in     out     source               destination         '
    const chains = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].flatMap((name) => [
      `Chain ${name} (policy ACCEPT 0 packets, 0 bytes)`,
      head,
      ...(name === 'POSTROUTING'
        ? ['    7   420 MASQUERADE  all  --  *      !docker0  172.17.0.0/16        0.0.0.0/0           ']
        : []),
      '',
    ])
    const { status, out, err } = await packetwalk(['fmt', '-'], { stdin: chains.join('\n') })
    expect([status, err]).toEqual([0, 'packetwalk: -: 1 rule put together from iptables -L\n'])
    expect(out).toContain('*nat\n')
    expect(out).toContain(`[7:420] ${MASQUERADES}\n`)
  })

  test('what iptables-save printed comes out as it went in', async () => {
    for (const folder of [join(K8S, 'node1'), DOCKER, UFW]) {
      const text = readFileSync(join(folder, 'iptables-save'), 'utf8')
      expect(await packetwalk(['fmt', '-'], { stdin: text })).toEqual({ status: 0, out: text, err: '' })
    }
  })

  test('other spellings become the canonical one', async () => {
    const given = save('-A INPUT --protocol TCP --destination-port http -s 10.1.2.3/255.0.0.0 --jump ACCEPT')
    const { out } = await packetwalk(['fmt', '-'], { stdin: given })
    expect(out).toContain('-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -j ACCEPT\n')
  })

  test('--keep-going reports every bad line', async () => {
    const given = save('-A INPUT --nonsense', '-A INPUT -j ACCEPT', '-A INPUT -p 999')
    const first = await packetwalk(['fmt', '-'], { stdin: given })
    const all = await packetwalk(['fmt', '-', '--keep-going'], { stdin: given })
    const heads = (text: string) => text.match(/^-:\d+:\d+/gm)
    expect([first.status, heads(first.err)]).toEqual([2, ['-:5:10']])
    expect([all.status, heads(all.err)]).toEqual([2, ['-:5:10', '-:7:13']])
  })

  test('rules of bridges and of ARP', async () => {
    const bridge =
      '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A FORWARD -p IPv4 -i ! eth0 --ip-proto tcp --ip-dport 22 -j DROP\n'
    expect(await packetwalk(['fmt', '-'], { stdin: bridge })).toEqual({ status: 0, out: bridge, err: '' })
    const other = bridge.replace('-i ! eth0 --ip-proto tcp', '! -i eth0 --ip-proto 6')
    expect((await packetwalk(['fmt', '-'], { stdin: other })).out).toBe(bridge)
    const arp = '*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n-A INPUT -j DROP -i eth0 -s 10.0.0.1 --opcode 2\n'
    expect(await packetwalk(['fmt', '-'], { stdin: arp })).toEqual({ status: 0, out: arp, err: '' })
  })

  test('native nft text is not read yet, and said so', async () => {
    const { status, err } = await packetwalk(['fmt', '-'], { stdin: 'table inet filter {\n}\n' })
    expect([status, err]).toEqual([2, 'packetwalk: -: native nft rulesets are not read yet\n'])
  })
})
