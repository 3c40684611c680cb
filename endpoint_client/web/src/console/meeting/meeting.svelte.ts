// What the panels show: read from the server when the desk opens, and again when the server says that it changed.
// Nothing is kept here that a reload would lose.

import { meetingApi, type CueSent, type FloorRequest, type Incident, type Issue, type RollCall, type Script } from './api';

export type Area = 'roll_call' | 'floor' | 'issues' | 'cues' | 'script';

export class MeetingDesk {
  roll = $state.raw<RollCall | null>(null);
  /** Server clock minus ours, in seconds. */
  offset = 0;
  floor = $state.raw<FloorRequest[]>([]);
  issues = $state.raw<Issue[]>([]);
  incidents = $state.raw<Incident[]>([]);
  cues = $state.raw<CueSent[]>([]);
  script = $state.raw<Script | null>(null);

  #asked = new Map<Area, Promise<void>>();
  #again = new Set<Area>();

  constructor(
    readonly conference: string,
    readonly onerror: (error: unknown) => void,
  ) {}

  get calling(): boolean {
    return this.roll !== null && (this.roll.state === 'running' || this.roll.state === 'paused');
  }
  get waiting(): number {
    return this.floor.filter((request) => request.state === 'waiting').length;
  }
  get unsolved(): number {
    return this.issues.filter((issue) => issue.state !== 'solved').length;
  }

  loadAll(): void {
    for (const area of ['roll_call', 'floor', 'issues', 'cues', 'script'] as Area[]) void this.load(area);
  }

  /** Read one area; one that is being read is read once more afterwards. */
  load(area: Area): Promise<void> {
    const under = this.#asked.get(area);
    if (under) {
      this.#again.add(area);
      return under;
    }
    const asking = this.#read(area)
      .catch(this.onerror)
      .finally(() => {
        this.#asked.delete(area);
        if (this.#again.delete(area)) void this.load(area);
      });
    this.#asked.set(area, asking);
    return asking;
  }

  /** A newer roll call, from an answer. */
  take(roll: RollCall | null): void {
    if (roll && this.roll && roll.id === this.roll.id && roll.step < this.roll.step) return; // overtaken
    if (roll) this.offset = roll.now - Date.now() / 1000;
    this.roll = roll;
  }

  async #read(area: Area): Promise<void> {
    const c = this.conference;
    if (area === 'roll_call') this.take((await meetingApi.rollCall(c)).roll_call);
    else if (area === 'floor') this.floor = await meetingApi.floor(c);
    else if (area === 'cues') this.cues = await meetingApi.cues(c);
    else if (area === 'script') this.script = await meetingApi.script(c);
    else [this.issues, this.incidents] = await Promise.all([meetingApi.issues(c), meetingApi.incidents(c)]);
  }
}
