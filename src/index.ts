/** The model as a library: runs in a browser as well as in Node. `packetwalk/node` adds what needs files. */
export { parsePacketLine } from './packet/language.js'
export type { PacketRequest } from './packet/request.js'
export { type Connection, type Connections, connect } from './path/connect.js'
export { STAGES, type Stage, type StageName } from './path/stages.js'
export { type TraceOptions, trace } from './path/trace.js'
export type {
  Branch,
  ChainVisit,
  Headers,
  OutcomeName,
  RouteLookup,
  RuleVisit,
  Step,
  Trail,
  Way,
} from './path/trail.js'
export type { Hosts, Link, Namespace, Place, Wire } from './path/world.js'
export { connectJson, connectText } from './report/connect.js'
export { trailJson } from './report/json.js'
export { type Line, plainText, type Role, type Span } from './report/line.js'
export { showJson, showText } from './report/show.js'
export { trailText } from './report/text.js'
export { readSnapshot } from './snapshot/index.js'
