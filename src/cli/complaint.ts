import { printable } from '../report/line.js'
import { UserError } from './exit.js'
import { excerpt } from './paint.js'

/** Something in the input that can't be read, and where. Lines and columns count from 1. */
export interface Complaint {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** The line itself, where it is known. */
  readonly source: string | undefined
}

/** `FILE:LINE:COLUMN: message`, the line cut to the width around the column, and a caret under it. */
export function complaintText({ file, line, column, message, source }: Complaint, width: number): string {
  const head = `${printable(file)}:${line}:${column}: ${printable(message)}`
  if (source === undefined) return head
  const { text, caret } = excerpt(source, column, width)
  return `${head}\n  ${text}\n  ${' '.repeat(caret)}^`
}

export const complaintError = (complaint: Complaint, width: number): UserError =>
  new UserError(complaintText(complaint, width))
