import { UserError } from './exit.js'

/** What the model answers; a question that cannot be asked of this snapshot is bad usage. */
export async function ask<T>(question: () => T): Promise<T> {
  const { QuestionError } = await import('../path/resolve.js')
  try {
    return question()
  } catch (error) {
    throw error instanceof QuestionError ? new UserError(`packetwalk: ${error.message}`) : error
  }
}
