/** What the shell gets. 0 and 1 are the answer; 3 where the input does not tell; 2 where there was no answer to be had. */
export const EXIT = { yes: 0, no: 1, bad: 2, undecided: 3 } as const

/** Bad usage or unreadable input: one message, and no stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}
