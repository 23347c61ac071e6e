import { type Headers, type Lane, stepsAt } from './engine/answers.js'

/** The packet as it is when it leaves the i-th stage of its way. */
export function packetAt(lane: Lane, index: number): Headers | undefined {
  for (let i = index; i >= 0; i--) {
    const last = stepsAt(lane, i).at(-1)
    if (last) return last.packet
  }
  return lane.steps[0]?.packet
}
