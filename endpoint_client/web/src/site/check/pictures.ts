// Looking at pictures: small luma thumbnails, their brightness, contrast, changes and likeness. Pure, but for `Eye`.

export const WIDE = 32;
export const HIGH = 18;
export type Thumb = Float32Array; // WIDE × HIGH luma, 0…255

/** Draws a video small and reads its luma. */
export class Eye {
  readonly #canvas = document.createElement('canvas');
  readonly #draw: CanvasRenderingContext2D | null;

  constructor() {
    this.#canvas.width = WIDE;
    this.#canvas.height = HIGH;
    this.#draw = this.#canvas.getContext('2d', { willReadFrequently: true });
  }

  look(video: HTMLVideoElement): Thumb | null {
    if (!this.#draw || !video.videoWidth) return null;
    this.#draw.drawImage(video, 0, 0, WIDE, HIGH);
    const data = this.#draw.getImageData(0, 0, WIDE, HIGH).data;
    const thumb = new Float32Array(WIDE * HIGH);
    for (let n = 0; n < thumb.length; n++) {
      thumb[n] = 0.2126 * data[4 * n]! + 0.7152 * data[4 * n + 1]! + 0.0722 * data[4 * n + 2]!;
    }
    return thumb;
  }
}

export function mean(thumb: Thumb): number {
  return thumb.reduce((sum, value) => sum + value, 0) / thumb.length;
}

export function contrast(thumb: Thumb): number {
  const middle = mean(thumb);
  return Math.sqrt(thumb.reduce((sum, value) => sum + (value - middle) ** 2, 0) / thumb.length);
}

/** Is anything different at all? A camera's own noise is enough. */
export function differs(one: Thumb, other: Thumb): boolean {
  return one.some((value, n) => value !== other[n]);
}

/** Correlation of the upper two thirds (the MCU writes the site's name below); null where there is nothing to see. */
export function likeness(one: Thumb, other: Thumb): number | null {
  const count = WIDE * Math.floor((HIGH * 2) / 3);
  let a = 0;
  let b = 0;
  for (let n = 0; n < count; n++) {
    a += one[n]!;
    b += other[n]!;
  }
  a /= count;
  b /= count;
  let product = 0;
  let powerA = 0;
  let powerB = 0;
  for (let n = 0; n < count; n++) {
    const x = one[n]! - a;
    const y = other[n]! - b;
    product += x * y;
    powerA += x * x;
    powerB += y * y;
  }
  return powerA < count || powerB < count ? null : product / Math.sqrt(powerA * powerB);
}

export interface Look {
  at: number; // ms
  thumb: Thumb;
}

/** Find the returned pictures among the own ones: how alike, and how much later (null: too still to tell). */
export function match(own: Look[], back: Look[]): { alike: number | null; delay_ms: number | null } {
  const scores: { lag: number; alike: number }[] = [];
  for (let lag = 0; lag <= 2000; lag += 40) {
    const found: number[] = [];
    for (const look of back) {
      const then = nearest(own, look.at - lag);
      const alike = then && likeness(then.thumb, look.thumb);
      if (alike !== null && alike !== undefined) found.push(alike);
    }
    if (found.length >= Math.max(3, back.length / 3)) {
      scores.push({ lag, alike: found.reduce((sum, value) => sum + value, 0) / found.length });
    }
  }
  if (!scores.length) return { alike: null, delay_ms: null };
  const best = Math.max(...scores.map((score) => score.alike));
  const range = best - Math.min(...scores.map((score) => score.alike));
  // What moves to and fro (a fan, a film) is alike again later: the first peak is the way, the others are repetitions.
  let at = scores.findIndex((score) => score.alike >= best - 0.15 * range);
  while (at + 1 < scores.length && scores[at + 1]!.alike > scores[at]!.alike) at++;
  return { alike: best, delay_ms: range > 0.02 ? scores[at]!.lag : null };
}

function nearest(looks: Look[], at: number): Look | null {
  let best: Look | null = null;
  for (const look of looks) if (!best || Math.abs(look.at - at) < Math.abs(best.at - at)) best = look;
  return best && Math.abs(best.at - at) < 120 ? best : null;
}
