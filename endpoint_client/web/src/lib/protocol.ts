// The messages of signaling/protocol.md, version 1, as types. Change that page first.

export const VERSION = 1;
export const CLIENT = 'web/0.1';

export type Language = 'vi' | 'en';
export type Role = 'main' | 'member' | 'monitor';
export type SharedView = 'programme' | 'chair' | 'wall';
/** A shared view, or the personal one of the site with this number. */
export type View = SharedView | `site:${number}`;
export type HintedTrack = 'camera' | 'screen' | 'microphone';

/** What the endpoint measured since its last `quality`; `lost` is a fraction 0–1, `freezes` a count where there is one. */
export interface Quality {
  freezes: number | null;
  fps: number;
  width: number;
  height: number;
  lost: number;
  jitter_ms: number;
  rtt_ms: number;
  kbps: number;
}

/**
 * What the MCU itself measures on a site's line; losses are fractions, `lost_fraction` of what the site sends.
 * `stills_per_s`: single pictures that walls show of a camera that sends more than it is asked for; 0: all it sends.
 */
interface Measured {
  lost_fraction: number;
  peer_lost_fraction: number;
  stills_per_s: number;
}

/** Quality as another endpoint reported it and the MCU measured it: what is not known is null or missing. */
export type Reported = { [Figure in keyof (Quality & Measured)]?: (Quality & Measured)[Figure] | null };

export interface OwnState {
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}

export interface Hello {
  type: 'hello';
  version: number;
  token: string;
  client: string;
  language: Language;
  draws_names: boolean;
  seat?: string;
  media?: boolean;
}

export type ToMcu =
  | Hello
  | { type: 'offer'; sdp: string; restart: boolean }
  | ({ type: 'state' } & OwnState)
  | ({ type: 'quality' } & Quality)
  | { type: 'view'; view: View }
  | { type: 'raise_hand' }
  | { type: 'lower_hand' }
  | { type: 'report_issue'; category: IssueCategory; text: string }
  | { type: 'cue_seen'; cue: string; ok: boolean }
  | { type: 'leave' }
  | { type: 'pong'; n: number };

export interface Welcome {
  type: 'welcome';
  version: number;
  seat: string;
  role: Role;
  site: { id: string; name: string; number: number } | null;
  conference: { id: string; title: string };
  media: 'keep' | 'offer';
  view: View;
}

/** Who closed a site's sound: the operator, the podium rule, or the MCU because it was noisy and nobody called it. */
export type MutedBy = 'operator' | 'rule' | 'noise';

export interface Tally {
  on_podium: boolean;
  next: boolean;
  muted: boolean;
  muted_by: MutedBy | null;
  visible: boolean;
}

export interface Hint {
  track: HintedTrack;
  active: boolean;
  width: number;
  height: number;
  frame_rate: number;
  bitrate_bps: number;
}

export interface ConferenceNews {
  title: string;
  podium: { id: string; name: string } | null;
  present: number;
  sites: number;
  speaker: string | null;
}

/** Is the picture one site's own, unmixed?  Then nobody has written its name into it. */
export interface Picture {
  passed: boolean;
  name: string | null;
}

export type IssueCategory = 'picture' | 'sound' | 'echo' | 'content' | 'line' | 'power' | 'room' | 'other';

/** Do we wait for the floor, and as which of how many? */
export interface Hand {
  raised: boolean;
  position: number | null;
  waiting: number;
}

/** A word of the operator; with `confirm` it stays until it is answered, else for `seconds`. */
export interface Cue {
  id: string;
  kind: string;
  vi: string;
  en: string;
  confirm: boolean;
  seconds: number;
}

/** How far our newest report is. */
export interface IssueNews {
  id: string;
  state: 'open' | 'taken' | 'solved';
  remark: string;
}

/** A refusal in both languages; also what the pages show for their own failures. */
export interface Refusal {
  code: string;
  vi: string;
  en: string;
  fatal: boolean;
  retry_after: number | null;
}

export type FromMcu =
  | Welcome
  | { type: 'answer'; sdp: string }
  | ({ type: 'tally' } & Tally)
  | ({ type: 'hint' } & Hint)
  | ({ type: 'conference' } & ConferenceNews)
  | ({ type: 'picture' } & Picture)
  | ({ type: 'hand' } & Hand)
  | ({ type: 'cue' } & Cue)
  | ({ type: 'issue' } & IssueNews)
  | { type: 'media'; action: 'rejoin' | 'ice_restart'; spread_ms?: number }
  | { type: 'ping'; n: number }
  | ({ type: 'error' } & Refusal);
