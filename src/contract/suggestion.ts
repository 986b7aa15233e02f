/** A sentence that names the known word nearest to an unknown one; empty when none is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const nearest = word.length > MAX_LENGTH ? undefined : nearestOf(word.toLowerCase(), known)
  return nearest === undefined ? '' : `; did you mean \`${nearest}\`?`
}

/** Nothing that long is a slip of a word known here. */
const MAX_LENGTH = 40

function nearestOf(word: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  // A third of the letters may be wrong, but at least one.
  let least = Math.max(Math.floor(word.length / 3), 1) + 1
  for (const candidate of known) {
    const edits = candidate.length > MAX_LENGTH ? least : distance(word, candidate.toLowerCase())
    if (edits >= least) continue
    least = edits
    nearest = candidate
  }
  return nearest
}

/**
 * The least number of insertions, deletions, replacements and swaps of neighbours that turn one word into another.
 *
 * @see "optimal string alignment", a Damerau-Levenshtein distance
 */
function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      let edits = Math.min(
        (last[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (last[column - 1] as number) + (isSame ? 0 : 1)
      )
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (isSwap) edits = Math.min(edits, (beforeLast[column - 2] as number) + 1)
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return last[to.length] as number
}
