import { bytesToHex } from '../packet/hex.js'
import type { Handled } from '../path/simulation.js'
import { type Json, whereJson } from './json.js'

/** One line of `replay`, as JSON: what became of the N-th packet (from 1), and every frame that left because of it. */
export function handledLine(packet: number, { branch, sent }: Handled): string {
  const frames = sent.map((one) => `{"interface":${JSON.stringify(one.interface)},"frame":"${bytesToHex(one.frame)}"}`)
  return `{"packet":${packet},"outcome":"${branch.outcome}","where":${JSON.stringify(whereJson(branch.where))},"sent":[${frames.join(',')}]}`
}

/** A packet of the capture that could not be handed to the model. */
export const refusedLine = (packet: number, error: string): string =>
  JSON.stringify({ packet, outcome: 'undecided', error, sent: [] } satisfies Json)
