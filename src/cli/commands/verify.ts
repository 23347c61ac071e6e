import type { PacketRequest } from '../../packet/request.js'
import { type Hosts, type Namespace, placeName } from '../../path/world.js'
import type { PacketVerdict, VerifyResult } from '../../report/verify.js'
import { ask } from '../ask.js'
import type { CommandSpec } from '../command.js'
import { EXIT, UserError } from '../exit.js'
import type { Io } from '../io.js'
import { loadHosts } from '../load.js'
import { type ColourOptions, colourOption, jsonOption, withOption } from '../options.js'
import { readPacket } from '../packet.js'
import { paint, widthOf } from '../paint.js'
import type { Progress } from '../progress.js'

interface Options extends ColourOptions {
  readonly json?: boolean
  readonly verbose?: boolean
  readonly namespace?: string
  readonly packets: string
  readonly seed: string
  readonly with: readonly string[]
}

export const verify: CommandSpec<Options> = {
  name: 'verify',
  arguments: '<snapshot> [packet...]',
  summary: "the model against this machine's kernel: the snapshot rebuilt in a sandbox, packets sent for real",
  exits: '0 they agree, 1 they differ, 3 undecided (the model cannot tell, or the kernel cannot be asked).',
  examples: [
    "verify samples/docker-host 'tcp 198.51.100.9:40000 > 192.0.2.10:8080 syn in eth0'",
    "verify samples/k8s-cluster 'tcp > 10.96.100.7:80 from node1' 'udp > 10.96.0.10:53 from node1'",
    'verify samples/docker-ufw-host --packets 50 --seed 7',
  ],
  options(command) {
    colourOption(withOption(jsonOption(command)))
      .option('-v, --verbose', 'the frames that leave, also where both agree')
      .option('--namespace <host[/netns]>', 'whose rules packets are drawn from, where none is given')
      .option('--packets <n>', 'how many packets are drawn', '16')
      .option('--seed <number>', 'for what is drawn', '1')
      .addHelpText('after', `\n${HELP}`)
  },
  async run([snapshot, given], options, io) {
    const [most, seed] = [count('--packets', options.packets), count('--seed', options.seed)]
    const hosts = await loadHosts(snapshot as string, options.with, io)
    const texts = sentences((given ?? []) as readonly string[])
    const drawn = texts.length > 0 ? texts : await drawnFrom(hosts, options.namespace, most, seed)
    const requests: (readonly [string, PacketRequest])[] = []
    for (const text of drawn) requests.push([text, sendable(await readPacket([text], {}, io))])
    await possible(hosts)
    const { Progress } = await import('../progress.js')
    const progress = new Progress(io)
    const result = await verified(hosts, requests, progress).finally(() => progress.end())
    await show(result, options, io)
    const { verdictOf } = await import('../../report/verify.js')
    return STATUS[verdictOf(result)]
  },
}

const HELP = `The namespace that each packet enters first is rebuilt from the snapshot in a network namespace of its own,
which nobody else sees and which is gone afterwards: links (as veths, bridges, VXLAN), addresses, routes,
policy rules, neighbours, sysctls, rules, sets, listening sockets. Every frame that leaves it and what every
rule has counted is compared with the model. Existing connections are not rebuilt: each packet is the first.
Needs Linux, root, python3, iproute2, iptables, nftables (and ipset, where the snapshot has sets).`

const STATUS: Readonly<Record<PacketVerdict['verdict'], number>> = {
  agrees: EXIT.yes,
  differs: EXIT.no,
  undecided: EXIT.undecided,
}

function count(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new UserError(`packetwalk: ${option} ${text}: a whole number is needed`)
}

/** Each operand a packet; or, where none has a blank in it, all together the words of one. */
const sentences = (operands: readonly string[]): readonly string[] =>
  operands.length === 0 || operands.some((text) => /\s|#\d+$/.test(text.trim())) ? operands : [operands.join(' ')]

/** What is not in the bytes of a packet does not come in from a wire. */
function sendable(request: PacketRequest): PacketRequest {
  for (const word of ['mark', 'uid', 'gid', 'ctstate', 'vlan'] as const)
    if (request[word] !== undefined)
      throw new UserError(`packetwalk: verify sends real packets: "${word}" cannot be given to them`)
  return request
}

async function drawnFrom(
  hosts: Hosts,
  name: string | undefined,
  most: number,
  seed: number,
): Promise<readonly string[]> {
  const { spread } = await import('../verify/spread.js')
  const roots = hosts.namespaces.filter((one) => (name === undefined ? one.namespace === '' : placeName(one) === name))
  if (roots.length === 0) {
    const known = hosts.namespaces.map(placeName).slice(0, 12).join(', ')
    throw new UserError(`packetwalk: --namespace: nothing in the snapshot is called "${name}": there are ${known}`)
  }
  return roots.flatMap((place) => spread(place, placeName(place), Math.ceil(most / roots.length), seed))
}

const TOOLS = ['python3', 'ip', 'bridge', 'nft', 'iptables-legacy-restore', 'iptables-nft-restore']

/** Throws where this machine's kernel cannot be asked. */
async function possible({ namespaces }: Hosts): Promise<void> {
  const refuse = (why: string): never => {
    throw new UserError(`packetwalk: verify asks this machine's kernel: ${why}`)
  }
  if (process.platform !== 'linux') refuse(`this is ${process.platform}, not Linux`)
  if (process.getuid?.() !== 0) refuse('it needs root')
  const { access, constants } = await import('node:fs/promises')
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => folder !== '')
  const missing: string[] = []
  const sets = namespaces.some((one) => (one.sets?.listed ?? []).length > 0) ? ['ipset'] : []
  for (const tool of [...TOOLS, ...sets]) {
    const found = await Promise.all(
      folders.map((folder) =>
        access(`${folder}/${tool}`, constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
    )
    if (!found.includes(true)) missing.push(tool)
  }
  if (missing.length > 0) refuse(`missing: ${missing.join(', ')}`)
}

async function verified(
  hosts: Hosts,
  requests: readonly (readonly [string, PacketRequest])[],
  progress: Progress,
): Promise<VerifyResult> {
  const { questionOf } = await import('../verify/verify.js')
  const questions = await ask(() => requests.map(([text, request]) => questionOf(hosts, text, request)))
  const places = [...new Set(questions.map(({ place }) => place))]
  const notes: string[] = []
  const verdicts = new Map<(typeof questions)[number], PacketVerdict>()
  for (const place of places) {
    const mine = questions.filter((question) => question.place === place)
    const name = places.length > 1 ? `${placeName(place)}: ` : ''
    for (const note of await inSandbox(place, mine, (question, verdict) => {
      verdicts.set(question, verdict)
      progress.tell(() => `${verdicts.size} of ${questions.length} packets`)
    }))
      notes.push(`${name}${note}`)
  }
  const { release } = await import('node:os')
  return { kernel: release(), notes, packets: questions.map((question) => verdicts.get(question)!) }
}

/** Asks about the packets that enter one namespace; gives what has to be said of its sandbox. */
async function inSandbox<Q extends Parameters<typeof import('../verify/verify.js').verifyPacket>[1]>(
  place: Namespace,
  questions: readonly Q[],
  told: (question: Q, verdict: PacketVerdict) => void,
): Promise<readonly string[]> {
  const { Sandbox } = await import('../verify/sandbox.js')
  const { verifyPacket } = await import('../verify/verify.js')
  const found: Parameters<typeof verifyPacket>[2] = []
  let sandbox = await Sandbox.build(place)
  const notes = [...sandbox.notes]
  try {
    for (const question of questions) {
      let verdict = await verifyPacket(sandbox, question, found)
      // the kernel remembers whom it has told of errors: what differs is asked again where it remembers nobody
      if (verdict.verdict === 'differs' && question !== questions[0]) {
        await sandbox.close()
        sandbox = await Sandbox.build(place)
        for (const one of found) await sandbox.addNeighbour(one)
        verdict = await verifyPacket(sandbox, question, found)
      }
      told(question, verdict)
    }
  } finally {
    await sandbox.close()
  }
  const made = found.map(({ dev, ip }) => `${ip} on ${dev} is taken as answering`)
  const left = (place.connections ?? []).length
  return [...notes, ...made, ...(left > 0 ? [`${left} existing connections are left out`] : [])]
}

async function show(result: VerifyResult, { json, color, verbose }: Options, io: Io): Promise<void> {
  const { verifyJson, verifyText } = await import('../../report/verify.js')
  if (json) io.out(`${JSON.stringify(verifyJson(result), undefined, 2)}\n`)
  else io.out(paint(verifyText(result, widthOf(io), verbose ?? false), io, color))
}
