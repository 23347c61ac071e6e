import { bytesToHex } from '../packet/hex.js'
import type { Handled } from '../path/simulation.js'
import { type Json, whereJson } from './json.js'

/** One line of `replay`: what became of the N-th packet (from 1), and every frame that left because of it. */
export function handledJson(packet: number, { branch, sent }: Handled) {
  return {
    packet,
    outcome: branch.outcome,
    where: whereJson(branch.where),
    sent: sent.map((frame) => ({ interface: frame.interface, frame: bytesToHex(frame.frame) })),
  } satisfies Json
}

/** A packet of the capture that could not be handed to the model. */
export const refusedJson = (packet: number, error: string) =>
  ({ packet, outcome: 'undecided', error, sent: [] }) satisfies Json
