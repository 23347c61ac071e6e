import { parsePacketLine } from '../../src/packet/language.js'
import type { PacketRequest } from '../../src/packet/request.js'
import { connect } from '../../src/path/connect.js'
import { QuestionError } from '../../src/path/resolve.js'
import { trace } from '../../src/path/trace.js'
import { type Hosts, type Namespace, placeName } from '../../src/path/world.js'
import { connectJson } from '../../src/report/connect.js'
import { trailJson } from '../../src/report/json.js'
import { mapJson } from '../../src/report/map.js'
import { showJson } from '../../src/report/show.js'
import type { Table } from '../../src/rules/program.js'
import { ArchiveError, unpack } from '../../src/snapshot/archive.js'
import { changeHosts } from '../../src/snapshot/change/index.js'
import { LACKS, PRINTED_BY, readSnapshot } from '../../src/snapshot/index.js'
import { fromTables, printSave } from '../../src/xtables/index.js'
import type { Conversation, PathMap, Shown, Trace } from './answers.js'
import { complete } from './complete.js'
import { type Fact, holds } from './facts.js'
import { Listing, ruleLine } from './listing.js'
import { presetsOf } from './presets.js'
import type { Answer, ChainAddress, ChainWindow, Opening, Saved, Switch, TableWindow, TextFile } from './protocol.js'
import { switches } from './switches.js'

/** The model behind the page: holds one snapshot, answers with plain data. Knows no worker and no document. */
export class PageEngine {
  /** As they were read, and after the commands of the console. */
  #read: { readonly hosts: Hosts; readonly files: Parameters<typeof showJson>[1] } | undefined
  #hosts: Hosts | undefined
  readonly #listings = new WeakMap<Table, Listing>()

  open(files: readonly TextFile[]): Answer<Opening> {
    const read = readSnapshot(files)
    if (!read.ok) return { ok: false, problems: read.problems }
    this.#read = read
    this.#hosts = read.hosts
    return {
      ok: true,
      value: {
        shown: showJson(read.hosts, read.files),
        blocks: read.files.map(({ path, kind, place, lines }) => ({
          path,
          kind: kind ?? null,
          place: place ? placeName(place) : null,
          lines: lines ?? null,
        })),
        presets: presetsOf(read.hosts),
        missing: read.missing.map(({ place, lack }) => ({
          place: placeName(place),
          text: LACKS[lack],
          command: place.namespace === '' ? PRINTED_BY[lack] : `ip netns exec ${place.namespace} ${PRINTED_BY[lack]}`,
        })),
      },
    }
  }

  /** The files of an archive, or the file itself. */
  async unpack(path: string, bytes: Uint8Array): Promise<Answer<readonly TextFile[]>> {
    try {
      return { ok: true, value: await unpack(path, bytes) }
    } catch (error) {
      if (error instanceof ArchiveError) return { ok: false, problems: [{ file: path, message: error.message }] }
      throw error
    }
  }

  /** A command of the console with its last word completed. */
  complete(text: string, usual: string): readonly string[] {
    const prefix = /^\s*(\S+):\s+/.exec(text)
    const namespace = this.#namespace(prefix?.[1] ?? usual)
    return namespace ? complete(text, namespace) : []
  }

  /** The settings of a namespace that decide about packets. */
  switches(place: string): readonly Switch[] {
    const namespace = this.#namespace(place)
    return namespace ? switches(namespace) : []
  }

  /** What iptables-save would print in a namespace now: a text for each family and backend that has tables. */
  saved(place: string): readonly Saved[] {
    const tables = this.#namespace(place)?.tables ?? []
    return ([4, 6] as const).flatMap((family) =>
      (['nft', 'legacy'] as const).flatMap((backend) => {
        const save = fromTables(tables, family, backend)
        return save.tables.length === 0 ? [] : [{ family, backend, text: printSave(save) }]
      }),
    )
  }

  /** Carries out commands on the snapshot as it was read, in `usual` where they do not say where. Where one is refused, nothing changes. */
  change(commands: readonly string[], usual: string): Answer<Shown> {
    const read = this.#read
    const all = read?.hosts.namespaces ?? []
    const place = all.find((namespace) => placeName(namespace) === usual) ?? all[0]
    if (!read || !place) return complain('no snapshot is open')
    const changes = commands.map((text, i) => ({ text, name: `what-if:${i + 1}` }))
    const changed = changeHosts(read.hosts, changes, () => place)
    if (!changed.ok) return { ok: false, problems: changed.problems }
    this.#hosts = changed.hosts
    return { ok: true, value: showJson(changed.hosts, read.files) }
  }

  /** Does the engine confirm a fact of a lesson? A question that cannot be asked confirms nothing. */
  holds(line: string, fact: Fact): boolean {
    const answer = this.#ask(line, (hosts, request) => holds(hosts, request, fact))
    return answer.ok && answer.value
  }

  trace(line: string): Answer<Trace> {
    return this.#ask(line, (hosts, request) => trailJson(trace(hosts, request)))
  }

  connect(line: string): Answer<Conversation> {
    return this.#ask(line, (hosts, request) => connectJson(connect(hosts, request)))
  }

  map(place: string, family: 4 | 6): PathMap | undefined {
    const namespace = this.#namespace(place)
    return namespace && mapJson(namespace, family)
  }

  /** `count` rules of a chain from index `first` on. */
  chain(where: ChainAddress, first: number, count: number): ChainWindow | undefined {
    const found = this.#table(where)?.chains.get(where.chain)
    if (!found) return undefined
    const rules = found.rules.slice(first, first + count).map((rule, i) => ruleLine(where.chain, rule, first + i + 1))
    return { total: found.rules.length, first, policy: found.base?.policy ?? null, rules }
  }

  /** `count` lines of the whole table of a chain from line `first` on. */
  table(where: ChainAddress, first: number, count: number): TableWindow | undefined {
    const listing = this.#listing(where)
    return listing && { total: listing.total, lines: listing.lines(first, count) }
  }

  /** The line of a chain's head in its table. */
  startOf(where: ChainAddress): number | undefined {
    return this.#listing(where)?.startOf(where.chain)
  }

  #table({ place, family, backend, table }: ChainAddress): Table | undefined {
    return this.#namespace(place)?.tables.find(
      (one) => one.family === family && one.backend === backend && one.name === table,
    )
  }

  #listing(where: ChainAddress): Listing | undefined {
    const table = this.#table(where)
    if (!table) return undefined
    const listing = this.#listings.get(table) ?? new Listing(table)
    this.#listings.set(table, listing)
    return listing
  }

  #namespace(place: string): Namespace | undefined {
    return this.#hosts?.namespaces.find((namespace) => placeName(namespace) === place)
  }

  #ask<T>(line: string, question: (hosts: Hosts, request: PacketRequest) => T): Answer<T> {
    const parsed = parsePacketLine(line)
    if (!parsed.ok) return complain(parsed.problem.message, parsed.problem.at + 1)
    if (parsed.packet.is === 'capture')
      return complain('a packet of a capture cannot be read here: give it as frame hex:…')
    if (!this.#hosts) return complain('no snapshot is open')
    try {
      return { ok: true, value: question(this.#hosts, parsed.packet) }
    } catch (error) {
      if (error instanceof QuestionError) return complain(error.message)
      throw error
    }
  }
}

const complain = (message: string, column?: number): Answer<never> => ({ ok: false, problems: [{ message, column }] })
