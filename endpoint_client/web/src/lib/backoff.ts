/** Seconds to wait before attempt `attempt` (0, 1, …): doubles from 0.3 to 5, half of it random, so that a
 * hundred sites do not knock at the same moment. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const top = Math.min(5, 0.3 * 2 ** attempt);
  return top / 2 + (random() * top) / 2;
}
