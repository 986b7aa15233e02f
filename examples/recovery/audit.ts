/** Compares what the clients were told with what was done. */
import { readFile } from 'node:fs/promises'
import type { TicketStatus } from 'coatcheck/http'
import type { Clients } from './clients.js'

interface Effect {
  readonly id: string
  readonly attempt: number
}

export async function audit(
  ends: ReadonlyMap<string, TicketStatus | undefined>,
  { tickets, contradictions }: Clients,
  effectsPath: string,
  say: (line: string) => void
): Promise<boolean> {
  const text = await readFile(effectsPath, 'utf8')
  const effects = text
    .split('\n')
    .filter((line) => line.endsWith('}')) // a line that a kill cut off was not written
    .map((line) => JSON.parse(line) as Effect)
  const calls = new Set(effects.map(({ id, attempt }) => `${id} ${attempt}`))
  const called = new Set(effects.map(({ id }) => id))
  const lost = [...ends.values()].filter((end) => end === undefined).length
  const succeeded = [...ends.values()].filter((end) => end?.status === 'succeeded').length
  const given = new Set(tickets.values())
  const entries = [
    [lost === 0, `${given.size} tickets given out, ${lost} lost`],
    [succeeded === given.size, `${succeeded} of them succeeded`],
    [contradictions.length === 0 && given.size === tickets.size, 'a repeated request got the ticket it had got before'],
    [[...given].every((id) => called.has(id)), 'every task was called'],
    [
      calls.size === effects.length,
      `no attempt was made twice: ${effects.length} calls, ${effects.length - called.size} of them again after a kill`
    ]
  ] as const
  say('')
  for (const [holds, line] of entries) say(`  ${holds ? '✓' : '✗'} ${line}`)
  return entries.every(([holds]) => holds)
}
