// How long picture and sound wait before they are played, so that what is sent again still comes in time.
//
// On a clean line the browser's own choice is best. Where packets get lost, a frame is whole after one repair (a round
// trip), and after two if the repair is lost as well: waiting for both turns short freezes into a steady delay.

const LOSSY = 0.015; // share of the packets from which repairs that get lost themselves are seen
const CLEAN = 0.005;
const CALM = 10; // clean readings in a row until the wait ends
const SLACK_MS = 160; // a gap shows with the next picture, browsers ask every 20 ms; to 120 ms a third is no freeze
const LONGEST_MS = 400; // more delay hurts talk more than freezes do (ITU-T G.114)

/** One leg's wait; `read` takes one reading of the line (about every two seconds). */
export class Patience {
  #lost: number | null = null;
  #calm = 0;
  #target: number | null = null;

  /** `lost` is the share of packets lost towards us. Returns milliseconds, or null for the browser's own choice. */
  read(lost: number, rttMs: number): number | null {
    this.#lost = this.#lost === null ? lost : this.#lost + (lost - this.#lost) * 0.4;
    this.#calm = this.#lost < CLEAN ? this.#calm + 1 : 0;
    if (this.#lost > LOSSY) {
      const wanted = Math.min(LONGEST_MS, Math.round((2 * rttMs + SLACK_MS) / 20) * 20);
      this.#target = Math.max(this.#target ?? 0, wanted); // shorter only after a calm time: each change is heard
    } else if (this.#calm >= CALM) {
      this.#target = null;
    }
    return this.#target;
  }
}
