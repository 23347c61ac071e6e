import type { LintResult } from '../analysis/lint/lint.js'
import type { Finding, LintRule, Spot } from '../analysis/lint/types.js'

/** A file's path as SARIF wants it: relative or with a scheme, slashes, what is special in an address escaped. */
function uri(file: string): string {
  const path = file.replaceAll('\\', '/')
  const [, drive = '', rest = path] = /^([A-Za-z]:)(\/.*)$/.exec(path) ?? []
  const escaped = rest.split('/').map(encodeURIComponent).join('/')
  return drive ? `file:///${drive}${escaped}` : path.startsWith('/') ? `file://${escaped}` : escaped
}

const location = (spot: Spot, id?: number, text?: string) => ({
  ...(id === undefined ? {} : { id }),
  ...(spot.source
    ? {
        physicalLocation: {
          artifactLocation: { uri: uri(spot.source.file) },
          region: { startLine: spot.source.line, snippet: { text: spot.text } },
        },
      }
    : {}),
  ...(spot.chain === undefined
    ? {}
    : {
        logicalLocations: [
          {
            fullyQualifiedName: spot.number === undefined ? spot.chain : `${spot.chain}/${spot.number}`,
            kind: 'member',
          },
        ],
      }),
  ...(text === undefined ? {} : { message: { text } }),
})

function result({ id, level, message, at, related = [], packet, fix, place, family }: Finding, index: number) {
  const text = `${message}${packet === undefined ? '' : `; for example ${packet}`}${fix === undefined ? '' : `; fix: ${fix}`}`
  return {
    ruleId: id,
    ruleIndex: index,
    level,
    message: { text },
    locations: [location(at)],
    ...(related.length === 0 ? {} : { relatedLocations: related.map((spot, i) => location(spot, i, spot.how)) }),
    partialFingerprints: { 'packetwalk/1': `${id}|${place}|${family}|${at.chain ?? ''}|${at.text}` },
  }
}

/** SARIF 2.1.0 (OASIS), for code scanning. */
export function lintSarif({ findings, incomplete }: LintResult, rules: readonly LintRule[], version: string) {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'packetwalk',
            semanticVersion: version,
            rules: rules.map(({ id, summary, level }) => ({
              id,
              shortDescription: { text: summary },
              help: { text: `docs/lint/${id}.md` },
              defaultConfiguration: { level },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: true,
            ...(incomplete.length === 0
              ? {}
              : {
                  toolExecutionNotifications: incomplete.map((text) => ({
                    level: 'note',
                    message: { text: `incomplete: ${text}` },
                  })),
                }),
          },
        ],
        results: findings.map((finding) =>
          result(
            finding,
            rules.findIndex(({ id }) => id === finding.id),
          ),
        ),
      },
    ],
  }
}
