import type { PacketRequest } from '../packet/request.js'
import { begin } from './begin.js'
import { findPlace } from './resolve.js'
import { questionRun } from './trace.js'
import { walk } from './walk.js'
import type { Hosts, Namespace } from './world.js'
import { placeName } from './world.js'

/** The namespace in which a packet begins its way. Throws QuestionError where the question cannot be asked of these hosts. */
export function startPlace(hosts: Hosts, request: PacketRequest): Namespace {
  const run = questionRun(hosts, { choose: () => 0 }, {})
  return findPlace(hosts, placeName(begin(run, walk, request).start.place))!
}
