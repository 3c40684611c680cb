// Registration of meetings: control_api/bookings/routes.py and decisions.py.

import { get, list, patch, post, put, type Part } from '../api';

export const PAGE = 50;
export type Step =
  | 'draft'
  | 'registered'
  | 'allocated'
  | 'announced'
  | 'prepared'
  | 'checked'
  | 'connected'
  | 'serving'
  | 'closed'
  | 'refused'
  | 'cancelled'
  | 'displaced';
export const ORDER: Step[] = [
  'draft',
  'registered',
  'allocated',
  'announced',
  'prepared',
  'checked',
  'connected',
  'serving',
  'closed',
];
export type Class = 'A' | 'B' | 'C';
export type Authority = 'disaster' | 'fire' | 'epidemic' | 'party_committee' | 'people_council' | 'people_committee';
export const AUTHORITIES: Authority[] = [
  'disaster',
  'fire',
  'epidemic',
  'party_committee',
  'people_council',
  'people_committee',
];

export interface Line {
  id: string;
  conference: string;
  organisation: string;
  title: string;
  class: Class;
  urgent: boolean;
  starts_at: string;
  ends_at: string;
  trial_at: string | null;
  state: Step;
  answer_by: string | null;
  sites: number;
  series: string | null;
}
export interface InboxLine extends Line {
  remaining: number;
  warned: boolean;
  fits: boolean;
}
export interface Inbox {
  waiting: InboxLine[];
  displaced: Line[];
  not_announced: Line[];
  to_close: Line[];
  failed_notices: number;
  open_questions: number;
  measured: boolean;
  mail: boolean;
}
export interface SiteForm {
  site: string;
  place: string;
  attendees: string;
  attendee_count: number | null;
  video: boolean;
  email: string | null;
}
export interface BookedSite extends SiteForm {
  name: string;
  role: 'main' | 'member';
  organisation: string | null;
}
export interface Person {
  name: string;
  position: string;
  phone: string;
  email: string;
}
export interface Uplink {
  organiser: string;
  operated_by: 'provider' | 'so';
  provider: string;
  technician: Person | null;
}
export interface Order {
  caller: string;
  caller_phone: string;
  called_at: string;
  authority: Authority;
  reason: string;
}
export interface Alternative {
  kind: 'time' | 'fewer_video' | 'sound_only';
  starts_at: string;
  ends_at: string;
  trial_at: string | null;
  trial_ends_at: string | null;
  video_sites: number;
  share: number;
  vi: string;
  en: string;
}
export interface Blocker {
  code: string;
  vi: string;
  en: string;
}
export interface Parameters {
  height: number;
  frame_rate: number;
  bitrate_bps: number;
  personal_views: number;
  programme_layout: string;
  chair_layout: string;
  auto_mute_noisy: boolean;
  pass_through: boolean;
}
export interface Booking extends Omit<Line, 'sites'> {
  owner: string;
  meeting_type: string;
  trial_ends_at: string | null;
  rules: string;
  chair: string;
  agenda: string;
  contact: Person | null;
  letter: { number: string; date: string; file: string | null } | null;
  uplink: Uplink | null;
  order: Order | null;
  sites: BookedSite[];
  parameters: Parameters;
  frozen_at: string | null;
  decision: {
    answer: 'allocated' | 'refused' | 'displaced';
    by: string | null;
    at: string;
    vi: string;
    en: string;
    alternatives: Alternative[];
  } | null;
  close_out: { summary: string; evaluation: 'good' | 'fair' | 'poor'; problems: string } | null;
  received_at: string | null;
  sequence: number;
  live: 'none' | 'wanted' | 'made' | 'unwanted';
  stamps: { step: Step; at: string; by: string | null; remark: string }[];
  may_follow: Step[];
  blockers: Blocker[];
  conflicts: SharedSites[];
}
export interface SharedSites {
  booking: string | null; // null: another agency's
  title: string | null;
  since: string;
  until: string;
  sites: string[];
}
export interface Fit {
  fits: boolean;
  share: number;
  alternatives: Alternative[];
  measured: boolean;
  conflicts: SharedSites[];
}
export interface NoticeLine {
  id: string;
  site: string | null;
  kind: string;
  recipient: string;
  name: string;
  subject: string;
  state: 'queued' | 'sending' | 'sent' | 'failed' | 'unsure' | 'printed';
  error: string;
  created_at: string;
  sent_at: string | null;
  receipt: string;
  reads: { name: string; at: string }[];
}
export interface ConflictView {
  full: number;
  measured: boolean;
  load: { since: string; until: string; share: number; bookings: string[] }[];
  titles: Record<string, string>;
  overlaps: { first: Line; second: Line; since: string; until: string; sites: string[] }[];
}
export interface Choice {
  value: string;
  label: string;
}
export interface MeetingType {
  id: string;
  vi: string;
  en: string;
}

export type Form = Record<string, unknown>;
const path = (id: string, what = ''): string => `/bookings/${encodeURIComponent(id)}${what && `/${what}`}`;

export const bookings = (query: Record<string, string | number | null | undefined>): Promise<Part<Line>> =>
  list<Line>('/bookings', query);
export const booking = (id: string): Promise<Booking> => get<Booking>(path(id));
export const register = (form: Form, key: string): Promise<Booking> => post<Booking>('/bookings', form, key);
export const registerSeries = (form: Form, repeat: Form, key: string): Promise<Line[]> =>
  post<Line[]>('/bookings/series', { booking: form, repeat }, key);
export const bookUrgent = (form: Form, key: string): Promise<Booking> => post<Booking>('/bookings/urgent', form, key);
export const tryForm = (form: Form): Promise<Fit> => post<Fit>('/bookings/fit', form);
export const change = (id: string, form: Form): Promise<Booking> => patch<Booking>(path(id), form);
export const act = (id: string, what: string, body: Form = {}): Promise<Booking> => post<Booking>(path(id, what), body);
export const setParameters = (id: string, body: Parameters): Promise<Booking> =>
  put<Booking>(path(id, 'parameters'), body);
export const inbox = (): Promise<Inbox> => get<Inbox>('/bookings/inbox');
export const conflicts = (from: string, to: string): Promise<ConflictView> =>
  get<ConflictView>('/bookings/conflicts', { from, to });
export const notices = (id: string): Promise<Part<NoticeLine>> =>
  list<NoticeLine>(path(id, 'notices'), { limit: 500 });
export const sendAgain = (id: string, notice: string): Promise<unknown> => post(path(id, `notices/${notice}/again`));
export const groupText = (id: string): Promise<{ text: string }> => get<{ text: string }>(path(id, 'group-text'));
export const printPath = (id: string): string => `/api/v1${path(id, 'notice')}`;
export const calendarPath = path;
export const mostPersonalViews = async (): Promise<number> =>
  (await get<{ personal_views: number }>('/bookings/capacity')).personal_views;
export const meetingTypes = (): Promise<MeetingType[]> => get<MeetingType[]>('/bookings/meeting-types');

interface Named {
  id: string;
  name: string;
}
const choices = (found: Part<Named>): Choice[] => found.items.map((one) => ({ value: one.id, label: one.name }));
export const organisations = async (): Promise<Choice[]> =>
  choices(await list<Named>('/directory/organisations', { limit: 1000 }));
export const sites = async (): Promise<Choice[]> => choices(await list<Named>('/directory/sites', { limit: 1000 }));

/** Upload the official letter: PDF, JPEG or PNG. */
export async function putLetter(id: string, file: File): Promise<void> {
  const content = await new Promise<string>((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => failed(reader.error ?? new Error('unreadable file'));
    reader.readAsDataURL(file);
  });
  await post(path(id, 'letter'), {
    name: file.name.slice(0, 200),
    media_type: file.type || 'application/pdf',
    content,
  });
}
