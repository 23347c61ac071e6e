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
import { readSnapshot } from '../../src/snapshot/index.js'
import type { Conversation, PathMap, Shown, Trace } from './answers.js'

export interface TextFile {
  readonly path: string
  readonly text: string
}

/** Why there is no answer: in words, with the place in the file or in the packet's line. */
export interface Complaint {
  readonly message: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Complaint[] }

/** A rule of a chain, as a line of a table. */
export interface RuleLine {
  readonly number: number
  readonly text: string
  readonly packets: number | null
  readonly bytes: number | null
  readonly file: string | null
  readonly line: number | null
}

export interface ChainAddress {
  readonly place: string
  readonly family: 4 | 6
  readonly backend: string
  readonly table: string
  readonly chain: string
}

export interface ChainWindow {
  readonly total: number
  readonly first: number
  readonly policy: string | null
  readonly rules: readonly RuleLine[]
}

/** The model behind the page: holds one snapshot, answers with plain data. Knows no worker and no document. */
export class PageEngine {
  #hosts: Hosts | undefined

  open(files: readonly TextFile[]): Answer<Shown> {
    const read = readSnapshot(files)
    if (!read.ok) return { ok: false, problems: read.problems }
    this.#hosts = read.hosts
    return { ok: true, value: showJson(read.hosts, read.files) }
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
  chain({ place, family, backend, table, chain }: ChainAddress, first: number, count: number): ChainWindow | undefined {
    const found = this.#namespace(place)
      ?.tables.find((one) => one.family === family && one.backend === backend && one.name === table)
      ?.chains.get(chain)
    if (!found) return undefined
    const rules = found.rules.slice(first, first + count).map(({ text, counters, source }, i) => ({
      number: first + i + 1,
      text,
      packets: counters?.packets ?? null,
      bytes: counters?.bytes ?? null,
      file: source?.file ?? null,
      line: source?.line ?? null,
    }))
    return { total: found.rules.length, first, policy: found.base?.policy ?? null, rules }
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
