import { read } from '../../contract/task-record.js'

/** A lost connection is made again, a lost lease is told to its task, and who waits in a server that is demoted waits anew. */
const EXPECTED = /^(Connection is closed|Socket timeout|could not renew lock|UNBLOCKED)/

/** Takes an error that somebody else deals with: the one who waits for the command, or the next attempt. */
export function expected(): void {}

/** Whether somebody else deals with the error. */
export function isExpected(error: unknown): boolean {
  return read(error, 'syscall') !== undefined || EXPECTED.test(String(read(error, 'message')))
}
