// Preparation of a meeting: control_api/preparation/routes.py.

import { get, list, post, put, remove } from '../api';

export type Party = 'so' | 'main' | 'member' | 'carrier';
export type ItemState = 'open' | 'done' | 'failed' | 'not_applicable';
export type Phase = 'prepare' | 'check' | 'close';

export interface Meeting {
  id: string;
  conference: string;
  title: string;
  starts_at: string;
  state: string;
  sites: number;
}
export interface Progress {
  done: number;
  failed: number;
  total: number;
}
export interface SiteBoard {
  site: string;
  name: string;
  role: 'main' | 'member';
  call: 'present' | 'failed' | 'absent';
  check: 'missing' | 'failed' | 'retest' | 'speaker_missing' | 'remarks' | 'passed';
  prepare: Progress;
  verify: Progress;
  close: Progress;
  people: boolean;
  line_good: boolean | null;
  seats_short: number;
  missing: { code: string; vi: string; en: string }[];
  red: boolean;
}
export interface Gap {
  party: Party;
  starts_at: string;
  ends_at: string;
}
export interface Board {
  conference: string;
  booking: string | null;
  title: string;
  state: string | null;
  now: string;
  deadlines: { id: string; vi: string; en: string; at: string; left_s: number; done: boolean; late: boolean }[];
  total: number;
  prepared: number;
  checked: number;
  connected: number;
  plan: boolean;
  plan_applied: boolean;
  duty_gaps: Gap[];
  duty_officer: boolean;
  script: number;
  rehearsal: boolean;
  sites: SiteBoard[];
  red: string[];
  next_step: string | null;
  blockers: { code: string; vi: string; en: string }[];
  closed_out_at: string | null;
}
export interface Duty {
  id: string;
  party: Party;
  site: string | null;
  operator: string | null;
  name: string;
  position: string;
  phone: string;
  starts_at: string;
  ends_at: string;
  remark: string;
}
export interface Roster {
  duties: Duty[];
  gaps: Gap[];
}
export interface NewDuty {
  party: Party;
  site: string | null;
  operator: string | null;
  name: string;
  position: string;
  phone: string | null;
  starts_at: string | null;
  ends_at: string | null;
  remark: string;
}
export interface Candidate {
  operator: string;
  name: string;
  position: string;
  organisation: string;
  certificate: string;
}
export interface RoomView {
  view: 'programme' | 'chair' | 'wall';
  layout: string;
  pages: { tiles: number; seconds: number } | null;
  transition: 'cut' | 'fade';
  width: number;
  height: number;
  frame_rate: number;
  bitrate_bps: number;
}
export interface RoomModel {
  views: RoomView[];
  podium_programme: string;
  podium_chair: string;
  personal: { site: string; layout: string }[];
  auto_mute_noisy: boolean;
  pass_through: boolean;
  note: string;
}
export interface Allocation {
  encodings: number;
  megapixels_per_s: number;
  bitrate_bps: number;
}
export interface Template {
  name: string;
  title_vi: string;
  title_en: string;
  shipped: boolean;
  model: RoomModel;
  allocation: Allocation;
}
export interface Plan {
  revision: number;
  template: string | null;
  model: RoomModel;
  allocation: Allocation;
  changed_at: string;
  changed_by: string;
  applied: boolean;
  applied_at: string | null;
  applied_by: string | null;
  frozen: boolean;
}
export interface Item {
  item: string;
  phase: Phase;
  required: boolean;
  vi: string;
  en: string;
  source: string;
  state: ItemState;
  remark: string;
  by: string | null;
  at: string | null;
}
export interface People {
  leader: string;
  leader_position: string;
  operator_name: string;
  operator_position: string;
  operator_phone: string;
  attendees: number | null;
}
export interface Sheet {
  site: string;
  name: string;
  role: 'main' | 'member';
  items: Item[];
  people: (People & { by: string; at: string }) | null;
  seats_short: number;
}
export interface LineCheck {
  id: string;
  site: string;
  carrier: string;
  contact_name: string;
  contact_phone: string;
  line_code: string;
  good: boolean;
  loss_percent: number | null;
  rtt_ms: number | null;
  up_mbps: number | null;
  down_mbps: number | null;
  remark: string;
  at: string;
  by: string;
}
export type NewLineCheck = Omit<LineCheck, 'id' | 'at' | 'by'>;

export const PAGE = 50;
const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}`;
const site = (conference: string, id: string) => `${of(conference)}/sites/${encodeURIComponent(id)}`;

export const meetings = (since: string, offset: number) =>
  list<Meeting>('/bookings', { from: since, offset, limit: PAGE });
export const board = (c: string) => get<Board>(`${of(c)}/preparation`);
export const advance = (booking: string, step: string, remark: string) =>
  post(`/bookings/${encodeURIComponent(booking)}/step`, { step, remark, override: remark !== '' });

export const roster = (c: string) => get<Roster>(`${of(c)}/duties`);
export const candidates = (c: string, party: Party, member: string | null) =>
  get<Candidate[]>(`${of(c)}/duty-candidates`, { party, site: member });
export const assign = (c: string, duty: NewDuty, key: string) => post<Duty>(`${of(c)}/duties`, duty, key);
export const dismiss = (c: string, id: string) => remove(`${of(c)}/duties/${id}`);

export const templates = () => get<Template[]>('/room-templates');
export const plan = (c: string) => get<Plan>(`${of(c)}/room-plan`);
export const savePlan = (
  c: string,
  change: { revision: number; template?: string | null; model?: RoomModel; reason?: string },
) => put<Plan>(`${of(c)}/room-plan`, change);
export const applyPlan = (c: string) => post<Plan>(`${of(c)}/room-plan/apply`);
export const saveTemplate = (name: string, title: string, english: string, model: RoomModel) =>
  put(`/room-templates/${encodeURIComponent(name)}`, { title_vi: title, title_en: english || title, model });

export const sheet = (c: string, s: string) => get<Sheet>(`${site(c, s)}/checklist`);
export const mark = (c: string, s: string, item: string, state: ItemState, remark: string) =>
  put<Sheet>(`${site(c, s)}/checklist/${item}`, { state, remark });
export const savePeople = (c: string, s: string, people: People) => put<Sheet>(`${site(c, s)}/people`, people);

export const lineChecks = (c: string, offset: number) =>
  list<LineCheck>(`${of(c)}/line-checks`, { offset, limit: PAGE });
export const addLineCheck = (c: string, check: NewLineCheck, key: string) => post(`${of(c)}/line-checks`, check, key);

export const closeOut = (c: string, remark: string) => post(`${of(c)}/close-out`, { remark });
