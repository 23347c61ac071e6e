/** What needs a file system: a snapshot folder as the files that `readSnapshot` takes. */
export { readFolder } from './snapshot/files.js'
