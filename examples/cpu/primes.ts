/** Work for the processor: counts the primes below a number, and looks now and then whether it should go on. */
import type { TaskContext } from 'coatcheck'

export function countPrimes({ below }: { readonly below: number }, { signal, progress }: TaskContext): number {
  let primes = 0
  for (let n = 2; n < below; n++) {
    if (isPrime(n)) primes += 1
    if (n % 50_000 !== 0) continue
    signal.throwIfAborted()
    progress(n / below)
  }
  return primes
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
