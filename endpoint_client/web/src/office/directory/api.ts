// The directory: organisations, sites, people, equipment, faults, requests. Rows are read as the API sends them.

import { download, get, list, patch, post, remove, type Part, type Query } from '../api';

export interface Entry {
  id: string;
  revision: number;
  changed_at: string;
  changed_by: string;
}
export interface Organisation extends Entry {
  name: string;
  short_name: string;
  kind: 'department' | 'commune' | 'carrier' | 'other';
  is_manager: boolean;
  parent_id: string | null;
  accountable_name: string;
  accountable_position: string;
  accountable_phone: string;
  address: string;
  phone: string;
  email: string;
  remark: string;
  active: boolean;
}
export interface Peripheral {
  name: string;
  model: string;
  quantity: number;
  good: boolean;
  remark: string;
}
export interface Preset {
  position: string;
  name: string;
  number: number | null;
  remark: string;
}
export type Readiness = 'ready' | 'attention' | 'not_ready';
export interface Site extends Entry {
  organisation_id: string;
  name: string;
  room: string;
  address: string;
  endpoint_type: 'browser' | 'hardware' | 'software' | 'other';
  endpoint: Record<string, string>;
  peripherals: Record<string, Peripheral[]>;
  presets: Preset[];
  seats: number | null;
  network: 'tslcd' | 'internet' | 'other';
  allowed_networks: string[];
  carrier_id: string | null;
  line_code: string;
  line_mbps: number | null;
  reserve_line: string;
  conditions: Record<string, string>;
  readiness: Readiness;
  config_locked: boolean;
  fingerprint: Record<string, unknown>;
  seen_fingerprint: Record<string, unknown>;
  remark: string;
  active: boolean;
}
export interface Finding {
  code: string;
  vi: string;
  en: string;
  stops: boolean;
}
export interface SiteDetail extends Site {
  organisation: Organisation;
  findings: Finding[];
}
export interface Contact extends Entry {
  organisation_id: string;
  site_id: string | null;
  role: 'leader' | 'technical' | 'team' | 'carrier';
  name: string;
  position: string;
  phone: string;
  email: string;
  remark: string;
}
export interface Change {
  id: number;
  at: string;
  actor: string;
  subject: string;
  subject_id: string;
  what: 'created' | 'changed' | 'removed';
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}
export interface Bulletin {
  id: string;
  at: string;
  kind: string;
  vi: string;
  en: string;
  site_id: string | null;
  organisation_id: string | null;
  seen_at: string | null;
  seen_by: string | null;
  mail: 'sent' | 'waiting' | 'failed' | 'unsure' | 'no_address' | 'mail_off' | null; // null: not by e-mail
}
export type AssetState = 'ready' | 'in_repair' | 'broken' | 'retired';
export type Cost = 'shared' | 'upkeep' | 'small';
export interface Asset extends Entry {
  organisation_id: string;
  site_id: string | null;
  name: string;
  kind: string;
  cost_category: Cost;
  model: string;
  serial: string;
  code: string;
  quantity: number;
  value_vnd: number | null;
  bought_on: string | null;
  warranty_until: string | null;
  state: AssetState;
  every_months: number | null;
  maintained_on: string | null;
  due_on: string | null;
  replace_year: number | null;
  planned_vnd: number | null;
  remark: string;
}
export interface Plan {
  year: number;
  lines: { asset: Asset; organisation: string; maintain_on: string[]; replace: boolean; cost_vnd: number }[];
  costs: Record<Cost, number>;
}
export type FaultState = 'open' | 'in_progress' | 'done';
export interface Fault extends Entry {
  organisation_id: string;
  site_id: string | null;
  kind: string;
  urgent: boolean;
  title: string;
  text: string;
  figures: Record<string, unknown>;
  conference_id: string | null;
  state: FaultState;
  reported_at: string;
  reported_by: string;
  outcome: string;
}
export interface Trainee extends Entry {
  organisation_id: string;
  course_id: string | null;
  name: string;
  position: string;
  phone: string;
  certificate: string;
  issued_by: string;
  issued_on: string | null;
  expires_on: string | null;
  active: boolean;
  remark: string;
}
export interface Course extends Entry {
  year: number;
  title: string;
  starts_on: string | null;
  ends_on: string | null;
  place: string;
  audience: string;
  places: number | null;
  cost_vnd: number | null;
  state: 'planned' | 'held' | 'cancelled';
  remark: string;
}
export interface ChangeRequest extends Entry {
  site_id: string;
  organisation_id: string;
  kind: 'configuration' | 'endpoint' | 'relocation';
  reason: string;
  wanted: Record<string, unknown>;
  planned_on: string | null;
  carrier_id: string | null;
  manager_at: string | null;
  carrier_at: string | null;
  carrier_by: string | null;
  state: 'open' | 'approved' | 'refused' | 'done' | 'withdrawn';
  asked_at: string;
  asked_by: string;
  answer: string;
}
export interface Difficulty extends Entry {
  organisation_id: string;
  title: string;
  text: string;
  state: 'open' | 'forwarded' | 'answered';
  asked_at: string;
  answer: string;
}
export interface Portal {
  organisation: Organisation;
  sites: Site[];
  due: Asset[];
  faults: Fault[];
  requests: ChangeRequest[];
  ending: Trainee[];
  assets: number;
  notices: number;
  duties: Finding[];
}
export interface Report {
  applied: boolean;
  created: number;
  changed: number;
  same: number;
  errors: number;
  lines: {
    sheet: string;
    row: number;
    action: 'create' | 'change' | 'same' | 'error';
    id: string | null;
    name: string;
    columns: string[];
    troubles: { column: string; vi: string; en: string }[];
  }[];
}

export type Values = Record<string, unknown>;
const at = (kind: string, id: string, step = ''): string => `/directory/${kind}/${encodeURIComponent(id)}${step}`;

/** One kind of entry: listed, made, changed. */
function kind<T>(name: string) {
  return {
    list: (query: Query = {}): Promise<Part<T>> => list<T>(`/directory/${name}`, query),
    add: (values: Values, key: string): Promise<T> => post<T>(`/directory/${name}`, values, key),
    change: (id: string, values: Values): Promise<T> => patch<T>(at(name, id), values),
  };
}

export const organisations = {
  ...kind<Organisation>('organisations'),
  get: (id: string) => get<Organisation>(at('organisations', id)),
};
export const sites = { ...kind<Site>('sites'), get: (id: string) => get<SiteDetail>(at('sites', id)) };
export const contacts = {
  ...kind<Contact>('contacts'),
  remove: (one: Contact) => remove(at('contacts', one.id, `?revision=${one.revision}`)),
};
export const assets = {
  ...kind<Asset>('assets'),
  maintain: (id: string, values: Values, key: string) => post(at('assets', id, '/maintenance'), values, key),
  plan: (year: number) => get<Plan>('/directory/maintenance/plan', { year }),
  planFile: (year: number) => download('/directory/maintenance/plan.xlsx', { year }),
};
export const faults = { ...kind<Fault>('faults'), get: (id: string) => get<Fault>(at('faults', id)) };
export const trainees = {
  ...kind<Trainee>('trained-operators'),
  planFile: (year: number) => download('/directory/training/plan.xlsx', { year }),
};
export const courses = kind<Course>('courses');
export const requests = {
  ...kind<ChangeRequest>('change-requests'),
  decide: (one: ChangeRequest, approve: boolean, answer: string) =>
    post(at('change-requests', one.id, '/decision'), { revision: one.revision, approve, answer }),
  step: (one: ChangeRequest, step: 'acknowledgement' | 'completion' | 'withdrawal') =>
    post(at('change-requests', one.id, `/${step}`), { revision: one.revision }),
};
export const difficulties = {
  ...kind<Difficulty>('difficulties'),
  answer: (one: Difficulty, state: string, answer: string) =>
    post(at('difficulties', one.id, '/answer'), { revision: one.revision, state, answer }),
};
export const changes = (of: 'sites' | 'organisations', id: string) => list<Change>(at(of, id, '/changes'), { limit: 200 });
export const portal = (organisation: string | null) => get<Portal>('/directory/portal', { organisation });
export const bulletins = (query: Query) => list<Bulletin>('/directory/notices', query);
export const see = (id: string) => post(at('notices', id, '/seen'));
export const sendAgain = (id: string) => post(at('notices', id, '/again'));
export const exportFile = () => download('/directory/export');
export const importFile = (file: string, apply: boolean) => post<Report>('/directory/import', { file, apply });
