// Marks in sound, and finding them again: sweeps from 500 to 3400 Hz, which telephone-like codecs keep whole, found by
// correlation at a quarter of the rate. Pure.

export const RATE = 48_000;
const STEP = 4; // the search works on every fourth sample
const LONG = 0.12; // s of a chirp
const EVERY = 1.2; // s from one to the next; what is later than that is not found
const LEAD = 0.6; // s before the first: jitter buffers settle
const LOUD = 0.35;
const ALIKE = 0.3; // correlation from which a chirp counts as found; noise stays below 0.15

export interface Found {
  sent: number;
  found: number;
  delay_ms: number | null;
  level_db: number | null; // returned against sent
}

export function chirp(rate = RATE): Float32Array {
  const samples = new Float32Array(Math.round(LONG * rate));
  for (let n = 0; n < samples.length; n++) {
    const t = n / rate;
    const phase = 2 * Math.PI * (500 * t + ((3400 - 500) / (2 * LONG)) * t * t);
    samples[n] = LOUD * Math.sin(phase) * Math.sin((Math.PI * n) / samples.length) ** 2;
  }
  return samples;
}

/** `count` chirps and a little noise in between, so that no gate or silence detector cuts their beginnings. */
export function signal(count: number): { samples: Float32Array; starts: number[]; length: number } {
  const mark = chirp();
  const length = Math.round((LEAD + count * EVERY) * RATE);
  const samples = new Float32Array(length);
  for (let n = 0; n < length; n++) samples[n] = (Math.random() - 0.5) * 0.01;
  const starts = Array.from({ length: count }, (_, n) => Math.round((LEAD + n * EVERY) * RATE));
  for (const start of starts) mark.forEach((value, n) => (samples[start + n] = (samples[start + n] ?? 0) + value));
  return { samples, starts, length: length + Math.round(EVERY * RATE) };
}

/** Look for the chirps that were sent at `starts` in what came back. */
export function find(heard: Float32Array, starts: number[]): Found {
  const mark = thinned(chirp());
  const all = thinned(heard);
  const delays: number[] = [];
  const levels: number[] = [];
  const strength = Math.sqrt(energy(mark, 0, mark.length));
  for (const start of starts) {
    const from = Math.round(start / STEP);
    const until = Math.min(all.length - mark.length, from + Math.round(((EVERY - LONG) * RATE) / STEP));
    let best = 0;
    let at = -1;
    let power = energy(all, from, mark.length);
    for (let lag = from; lag < until; lag++) {
      let product = 0;
      for (let n = 0; n < mark.length; n++) product += mark[n]! * all[lag + n]!;
      const alike = power > 1e-9 ? product / (strength * Math.sqrt(power)) : 0;
      if (alike > best) [best, at] = [alike, lag];
      power += all[lag + mark.length]! ** 2 - all[lag]! ** 2;
    }
    if (best < ALIKE || at < 0) continue;
    delays.push(((at - from) * STEP * 1000) / RATE);
    levels.push(10 * Math.log10(energy(all, at, mark.length) / energy(mark, 0, mark.length)));
  }
  return {
    sent: starts.length,
    found: delays.length,
    delay_ms: delays.length ? round(middle(delays), 1) : null,
    level_db: levels.length ? round(middle(levels), 1) : null,
  };
}

function thinned(samples: Float32Array): Float32Array {
  const thin = new Float32Array(Math.floor(samples.length / STEP));
  for (let n = 0; n < thin.length; n++) {
    let sum = 0;
    for (let k = 0; k < STEP; k++) sum += samples[n * STEP + k]!;
    thin[n] = sum / STEP;
  }
  return thin;
}

function energy(samples: Float32Array, from: number, length: number): number {
  let sum = 0;
  for (let n = from; n < Math.min(samples.length, from + length); n++) sum += samples[n]! ** 2;
  return Math.max(sum, 1e-12);
}

export function middle(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
