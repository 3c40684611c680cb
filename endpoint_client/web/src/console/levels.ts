// The level meters of all rows, outside the framework: a hundred bars, five times a second.

import { onBar } from '../lib/meter';

const STEPS = 24; // a bar is written only when it moves by a step
const STALE_MS = 1000;

export class LevelBars {
  readonly #bars = new Map<string, HTMLElement>();
  readonly #shown = new Map<string, number>();
  #stale: ReturnType<typeof setTimeout> | undefined;

  /** Svelte attachment of a row's bar; gives the bar back when the row goes. */
  attach(site: string): (bar: HTMLElement) => () => void {
    return (bar) => {
      this.#bars.set(site, bar);
      this.#shown.delete(site);
      return () => {
        if (this.#bars.get(site) === bar) this.#bars.delete(site);
      };
    };
  }

  /** Levels in dBov, -127 (silence) to 0; sites not named are silent. */
  show(levels: Record<string, number>): void {
    clearTimeout(this.#stale);
    for (const [site, bar] of this.#bars) {
      const level = levels[site];
      const step = level === undefined ? 0 : Math.round(onBar(-Math.abs(level)) * STEPS);
      if (this.#shown.get(site) === step) continue;
      this.#shown.set(site, step);
      bar.style.transform = `scaleX(${step / STEPS})`;
    }
    this.#stale = setTimeout(() => this.show({}), STALE_MS);
  }
}
