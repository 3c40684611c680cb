// Technical checks as the offices see them.

import type { Check as Checked, Item, Measured, Reason, Verdict } from '../../site/check/api';
import { ask, refusal } from '../../lib/api';
import { get, list, post, remove } from '../api';

export { ITEMS, type Item, type Verdict } from '../../site/check/api';
export const PAGE = 50;

export interface Board {
  conference: string;
  title: string;
  starts_at: string | null;
  wished: string | null;
  latest: string | null;
  done: number;
  total: number;
  red: number;
  overdue: boolean;
}
export interface Override {
  verdict: Verdict;
  remark: string;
  by: string;
  at: string;
}
export interface Seen {
  received_kbps: number;
  frame_rate: number;
  decoded: boolean;
  level_dbov: number | null;
}
export interface Check extends Checked {
  conference: string;
  site: string;
  site_name: string;
  kind: 'browser' | 'room';
  purpose: 'technical' | 'speaker' | 'retest';
  reasons: (Reason & { value: number | null })[];
  measured: { [K in keyof Measured]: Measured[K] | null } & { mcu: Seen | null };
  device_ready: boolean;
  remark: string;
  tester: string;
  client: string;
  still: boolean;
  overrides: Override[];
}
export type State = 'missing' | 'failed' | 'retest' | 'speaker_missing' | 'remarks' | 'passed';
export interface SiteProgress {
  site: string;
  site_name: string;
  role: string;
  state: State;
  red: boolean;
  late: boolean;
  check: Check | null;
}
export interface Progress extends Board {
  sites: SiteProgress[];
}
export interface Retest {
  site: string;
  site_name: string;
  purpose: 'retest' | 'speaker';
  asked_at: string;
  asked_by: string | null;
  reason: string;
  done_at: string | null;
}
export type Party = 'so' | 'main' | 'member' | 'carrier';
export interface Word {
  party: Party;
  site: string | null;
  good: boolean | null;
  by_check: boolean;
  name: string;
  remark: string;
  by: string | null;
  at: string | null;
}
export interface Joint {
  class: 'A' | 'B' | 'C';
  complete: boolean;
  words: Word[];
}
export interface SelfTest {
  id: string;
  state: 'wanted' | 'running' | 'done';
  asked_at: string;
  asked_by: string | null;
  done_at: string | null;
  good: boolean | null;
  report: {
    problems?: string[];
    sites?: { name: string; fps: number | null; audio_per_second: number | null }[];
    directory?: { total: number; failed: string[]; old: string[]; never: string[] };
  };
}
export interface RoomForm {
  sheet: {
    leader: string;
    operator_name: string;
    operator_position: string;
    operator_phone: string;
    remark: string;
    device_ready: boolean;
  };
  saw: { we_hear_them: boolean; they_hear_us: boolean; we_see_them: boolean; they_see_us: boolean };
}

const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}`;
const site = (conference: string, id: string) => `${of(conference)}/sites/${encodeURIComponent(id)}`;

export const boards = () => list<Board>('/check-boards');
export const startRound = (title: string, key: string) => post<Progress>('/check-rounds', { title }, key);
export const progress = (conference: string) => get<Progress>(`${of(conference)}/checks`);
export const checks = (offset: number, filter: { site?: string; verdict?: string | null } = {}) =>
  list<Check>('/checks', { offset, limit: PAGE, ...filter });
export const check = (id: string) => get<Check>(`/checks/${encodeURIComponent(id)}`);
export const stillUrl = (id: string) => `/api/v1/checks/${encodeURIComponent(id)}/still`;
export const override = (id: string, verdict: Verdict, remark: string, key: string) =>
  post<Check>(`/checks/${encodeURIComponent(id)}/override`, { verdict, remark }, key);

/** The leg is watched for ten seconds before the server answers. */
export async function checkRoom(conference: string, id: string, form: RoomForm, key: string): Promise<Check> {
  const answer = await ask('POST', `${site(conference, id)}/check`, form, key, 30_000);
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as Check;
}

export interface Link {
  site: string;
  site_name: string;
  standing: 'sent' | 'waiting' | 'failed' | 'unsure' | 'no_address' | 'mail_off' | 'not_sent';
  to: string[];
  at: string | null;
  error: string;
}
export const links = (conference: string) => get<Link[]>(`${of(conference)}/check-links`);
export const sendLinks = (conference: string, sites: string[] | null, key: string) =>
  post<Link[]>(`${of(conference)}/check-links`, sites ? { sites } : {}, key);
export const retests = (conference: string) => get<Retest[]>(`${of(conference)}/retests`);
export const askRetest = (conference: string, id: string, purpose: Retest['purpose'], reason: string) =>
  post<Retest>(`${site(conference, id)}/retest`, { purpose, reason });
export const dropRetest = (conference: string, id: string) => remove(`${site(conference, id)}/retest`);
export const joint = (conference: string) => get<Joint>(`${of(conference)}/joint-check`);
export const confirm = (conference: string, party: Party, word: { good: boolean; name: string; remark: string; site: string | null }) =>
  post<Joint>(`${of(conference)}/joint-check/${party}`, word);
export const selfTests = (offset: number) => list<SelfTest>('/self-tests', { offset, limit: PAGE });
export const askSelfTest = () => post<SelfTest>('/self-tests');

export type { Measured, Reason };
export const verdictTone = (verdict: Verdict) =>
  verdict === 'pass' ? ('good' as const) : verdict === 'remarks' ? ('active' as const) : ('warn' as const);
export const itemsOf = (check: Check): [Item, Verdict][] => Object.entries(check.items) as [Item, Verdict][];

/** Order of names as people count: "xã số 9" before "xã số 10". */
export const byName = new Intl.Collator('vi', { numeric: true }).compare;
