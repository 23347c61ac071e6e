import manifest from '../../package.json' with { type: 'json' }

/** Of this build: bundlers put it in. */
export const VERSION: string = manifest.version
