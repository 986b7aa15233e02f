/** Takes an error that somebody else deals with: the one who waits for the command, or the next attempt. */
export function expected(): void {}
