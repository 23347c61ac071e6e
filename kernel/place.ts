/** Where a packet begins that the second router of a lab sends itself; also the name of its namespace. */
export const SECOND = 'second'
/** Not at a link: from a router itself. */
export const isLocal = (at: string): boolean => at === 'local' || at === SECOND
/** The second router is another namespace of the same host: where its files lie. */
export const SECOND_FOLDER = `netns/${SECOND}/`
