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

/** Find the returned pictures among the own ones: how alike they are, and how much later (null: too still to tell).
 *
 * The delay goes by what moves: the mean picture is taken away from both, so that walls and chairs do not count. What
 * moves to and fro (a fan, a film) is alike again later: the first peak is the way, the others are repetitions.
 */
export function match(own: Look[], back: Look[]): { alike: number | null; delay_ms: number | null } {
  const [moving, returned] = [moved(own), moved(back)];
  const scores: { lag: number; alike: number }[] = [];
  for (let lag = 0; lag <= 2000; lag += 20) {
    const pairs = paired(moving, returned, lag);
    const alike = pairs.length >= Math.max(3, back.length / 3) ? together(pairs) : null;
    if (alike !== null) scores.push({ lag, alike });
  }
  const best = Math.max(...scores.map((score) => score.alike), -1);
  const first = scores.find((score) => score.alike >= best - 0.15 * Math.abs(best))?.lag ?? 0;
  const peak = scores
    .filter((score) => score.lag >= first && score.lag <= first + 600)
    .reduce((one, other) => (other.alike > one.alike ? other : one), { lag: 0, alike: -1 });
  const found = paired(own, back, peak.lag)
    .map(([one, other]) => likeness(one, other))
    .filter((alike) => alike !== null);
  return {
    alike: found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null,
    delay_ms: peak.alike > 0.5 ? peak.lag : null,
  };
}

/** The same looks without what is the same in all of them. */
function moved(looks: Look[]): Look[] {
  const still = new Float32Array(WIDE * HIGH);
  for (const { thumb } of looks) thumb.forEach((value, n) => (still[n] = still[n]! + value / looks.length));
  return looks.map(({ at, thumb }) => ({ at, thumb: thumb.map((value, n) => value - still[n]!) }));
}

function paired(own: Look[], back: Look[], lag: number): [Thumb, Thumb][] {
  const pairs: [Thumb, Thumb][] = [];
  for (const look of back) {
    const then = at(own, look.at - lag);
    if (then) pairs.push([then, look.thumb]);
  }
  return pairs;
}

/** What was seen at a moment: between two looks both, each by its nearness. */
function at(looks: Look[], moment: number): Thumb | null {
  const after = looks.findIndex((look) => look.at >= moment);
  const [one, other] = [looks[after - 1], looks[after]];
  if (!one || !other || other.at - one.at > 400) return null;
  const share = (moment - one.at) / (other.at - one.at);
  return one.thumb.map((value, n) => value * (1 - share) + other.thumb[n]! * share);
}

/** One correlation over all pairs; null when hardly anything moves. */
function together(pairs: [Thumb, Thumb][]): number | null {
  const count = WIDE * Math.floor((HIGH * 2) / 3);
  let [product, powerA, powerB] = [0, 0, 0];
  for (const [one, other] of pairs) {
    for (let n = 0; n < count; n++) {
      product += one[n]! * other[n]!;
      powerA += one[n]! ** 2;
      powerB += other[n]! ** 2;
    }
  }
  const least = pairs.length * count * 0.05;
  return powerA < least || powerB < least ? null : product / Math.sqrt(powerA * powerB);
}
