// Types and calls of the meeting's routes: roll call, floor, issues, script, quality, duty.

import { call } from '../../lib/api';

export type Result = 'present' | 'absent' | 'poor' | 'no_answer' | 'skipped';
export type RollAction = 'skip' | 'back' | 'repeat' | 'pause' | 'resume' | 'finish' | 'abort';
export type Grade = 'good' | 'fair' | 'bad' | 'lost';
export type Category = 'picture' | 'sound' | 'echo' | 'content' | 'line' | 'power' | 'room' | 'other';
export type IssueState = 'open' | 'taken' | 'solved';

export interface RollSite {
  position: number;
  site: string;
  number: number;
  name: string;
  result: Result | null;
  at: number | null;
  remark: string;
  on_air_ms: number | null;
}
export interface RollCall {
  id: string;
  state: 'running' | 'paused' | 'finishing' | 'aborting' | 'finished' | 'aborted';
  order: string;
  seconds: number;
  auto: boolean;
  position: number;
  step: number;
  site: string | null;
  due_at: number | null;
  left: number | null;
  now: number;
  started_at: number;
  counts: Record<string, number>;
  sites: RollSite[];
}
export interface BoardSite {
  site: string;
  name: string;
  presence: 'present' | 'absent' | 'failed';
}
export interface Board {
  present: number;
  absent: number;
  failed: number;
  sites: BoardSite[];
}
export interface Invitation {
  site: string;
  progress: 'connected' | 'connecting' | 'called' | 'given_up' | 'not_called';
  way: 'page' | 'notice' | 'phone' | null;
}
export interface FloorRequest {
  id: string;
  site: string;
  name: string;
  state: 'waiting' | 'speaking' | 'done' | 'withdrawn';
  raised_at: number;
  raised_by: string | null;
  on_air_ms: number | null;
}
export interface Issue {
  id: string;
  site: string | null;
  name: string;
  source: 'site' | 'operator';
  category: Category;
  text: string;
  figures: Record<string, unknown>;
  state: IssueState;
  at: number;
  by: string | null;
  taken_by: string | null;
  remark: string;
  fault: string | null; // of the register, which it became
}
export interface Incident {
  at: number;
  what: 'issue' | 'line';
  site: string | null;
  name: string;
  kind: string;
  text: string;
  seconds: number | null;
}
export interface Scene {
  id: string;
  title: string;
  agenda: string;
  minutes: number;
  note: string;
}
export interface SceneBrief {
  id: string;
  title: string;
  index: number;
}
export interface Runner {
  rehearsal: boolean;
  scenes: number;
  scene: SceneBrief | null;
  next: SceneBrief | null;
  previous: SceneBrief | null;
  warnings: { code: string; vi: string; en: string }[];
}
export interface Script {
  scenes: Scene[];
  runner: Runner;
}
export interface SiteQuality {
  site: string;
  name: string;
  score: number | null;
  grade: Grade | null;
  loss: number | null;
  rtt_ms: number | null;
  recent: Grade[];
}
export interface Point {
  at: number;
  grade: Grade;
  loss_up: number | null;
  loss_down: number | null;
  rtt_ms: number | null;
  up_kbps: number | null;
  down_kbps: number | null;
}
export interface ContactCard {
  organisation: string | null;
  room: string;
  line_code: string;
  reserve_line: string;
  contacts: { role: string; name: string; position: string; phone: string; email: string }[];
}
export interface CueSent {
  id: string;
  site: string;
  kind: string;
  at: number;
  reached: boolean;
  seen_at: number | null;
  ok: boolean | null;
}
export interface Duty {
  id: string;
  party: string;
  name: string;
  position: string;
  phone: string;
  starts_at: string;
  ends_at: string;
}
export interface Roster {
  duties: Duty[];
  gaps: { party: string; starts_at: string; ends_at: string }[];
}
export interface Rendition {
  rendition: number;
  view: string;
  codec: string;
  width: number;
  height: number;
  frame_rate: number;
  bitrate_bps: number;
  viewers: number;
  passed: string | null;
}

const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}`;
const id = encodeURIComponent;

export const meetingApi = {
  rollCall: (c: string) => call<{ roll_call: RollCall | null }>('GET', `${of(c)}/roll-call`),
  beginRollCall: (c: string, plan: { order: string; seconds: number; auto: boolean; sites?: string[] }) =>
    call<RollCall>('POST', `${of(c)}/roll-calls`, plan),
  mark: (c: string, roll: string, site: string, result: Result, remark = '') =>
    call<RollCall>('PUT', `${of(c)}/roll-calls/${id(roll)}/sites/${id(site)}`, { result, remark }),
  step: (c: string, roll: string, action: RollAction, step: number) =>
    call<RollCall>('POST', `${of(c)}/roll-calls/${id(roll)}/step`, { action, step }),
  board: (c: string) => call<Board>('GET', `${of(c)}/board`),
  callIn: (c: string) => call<Invitation[]>('POST', `${of(c)}/invitations`, {}),

  floor: (c: string) => call<FloorRequest[]>('GET', `${of(c)}/floor`),
  raise: (c: string, site: string) => call<FloorRequest>('POST', `${of(c)}/floor`, { site }),
  give: (c: string, request: string) => call('POST', `${of(c)}/floor/${id(request)}/give`),
  nextUp: (c: string, request: string) => call('POST', `${of(c)}/floor/${id(request)}/next`),
  move: (c: string, request: string, position: number) =>
    call<FloorRequest[]>('PUT', `${of(c)}/floor/${id(request)}/position`, { position }),
  endRequest: (c: string, request: string) => call('DELETE', `${of(c)}/floor/${id(request)}`),

  issues: (c: string) => call<Issue[]>('GET', `${of(c)}/issues?limit=200`),
  incidents: (c: string) => call<Incident[]>('GET', `${of(c)}/incidents?limit=200`),
  report: (c: string, issue: { site: string | null; category: Category; text: string }) =>
    call<Issue>('POST', `${of(c)}/issues`, issue),
  handOver: (c: string, issue: string) => call<Issue>('POST', `${of(c)}/issues/${id(issue)}/fault`),
  changeIssue: (c: string, issue: string, change: { state?: IssueState; remark?: string }) =>
    call<Issue>('PATCH', `${of(c)}/issues/${id(issue)}`, change),

  script: (c: string) => call<Script>('GET', `${of(c)}/script`),
  nextScene: (c: string, after: string | null) => call<Runner>('POST', `${of(c)}/script/next`, { after }),
  previousScene: (c: string, after: string | null) => call<Runner>('POST', `${of(c)}/script/previous`, { after }),
  gotoScene: (c: string, scene: string) => call<Runner>('POST', `${of(c)}/script/goto`, { scene }),

  quality: (c: string) => call<SiteQuality[]>('GET', `${of(c)}/quality`),
  history: (c: string, site: string) => call<Point[]>('GET', `${of(c)}/quality/${id(site)}?points=240`),
  exportUrl: (c: string) => `/api/v1${of(c)}/quality/export`,
  reserve: (c: string, site: string) => call('POST', `${of(c)}/sites/${id(site)}/reserve-line`, {}),
  remark: (c: string, site: string, remark: string, score: number | null) =>
    call('PUT', `${of(c)}/sites/${id(site)}/remark`, { remark, score }),

  contact: (c: string, site: string) => call<ContactCard>('GET', `${of(c)}/sites/${id(site)}/contact`),
  cue: (c: string, site: string, kind: 'check' | 'prepare') =>
    call<CueSent[]>('POST', `${of(c)}/cues`, { kind, sites: [site] }),
  cues: (c: string) => call<CueSent[]>('GET', `${of(c)}/cues`),
  gain: (c: string, site: string, gain_db: number) => call('PATCH', `${of(c)}/sites/${id(site)}`, { gain_db }),

  duties: (c: string) => call<Roster>('GET', `${of(c)}/duties`),
  renditions: (c: string) => call<Rendition[]>('GET', `${of(c)}/renditions`),
};
