import { recordAll } from './record.js'
if (process.argv.includes('--record')) await recordAll()
