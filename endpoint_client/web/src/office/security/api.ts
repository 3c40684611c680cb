// Security events and what is done about them, blocked networks, fallback admissions, the profile.

import { get, list, post, put, remove, type Query } from '../api';

export type Action = 'drop' | 'lock' | 'block';

export interface SecurityEvent {
  id: number;
  at: number;
  kind: string;
  severity: number;
  vi: string;
  en: string;
  address: string | null;
  username: string | null;
  conference: string | null;
  site: string | null;
  times: number;
  data: Record<string, unknown>;
  actions: Action[];
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  remark: string;
}
export interface Kind {
  kind: string;
  severity: number;
  vi: string;
  en: string;
}
export interface Block {
  id: string;
  network: string;
  until: number;
  reason: string;
  by: string;
  at: number;
}
export interface Fallback {
  id: string;
  site: string;
  incident: string;
  reason: string;
  at: number;
  until: number;
  by: string;
  ended_at: number | null;
  ended_by: string | null;
  open: boolean;
}
export interface Measure {
  id: string;
  on: boolean;
  level: 'required' | 'recommended';
  vi: string;
  en: string;
  source: string;
  how: string;
  now: string;
}

const of = (id: number) => `/security/events/${id}`;

export const security = {
  events: (query: Query) => list<SecurityEvent>('/security/events', query),
  kinds: () => get<Kind[]>('/security/kinds'),
  acknowledge: (id: number, remark: string) => put<SecurityEvent>(`${of(id)}/acknowledgement`, { remark }),
  act: (id: number, action: Action, seconds: number, remark: string, key: string) =>
    post<SecurityEvent>(`${of(id)}/actions`, { action, seconds, remark }, key),
  blocks: () => get<Block[]>('/security/blocks'),
  block: (network: string, seconds: number, reason: string, key: string) =>
    post<Block>('/security/blocks', { network, seconds, reason }, key),
  unblock: (id: string) => remove(`/security/blocks/${encodeURIComponent(id)}`),
  fallbacks: () => get<Fallback[]>('/security/fallbacks'),
  openFallback: (site: string, incident: string, reason: string, minutes: number, key: string) =>
    post<Fallback>('/security/fallbacks', { site, incident, reason, minutes }, key),
  endFallback: (id: string) => remove(`/security/fallbacks/${encodeURIComponent(id)}`),
  profile: () => get<Measure[]>('/security/profile'),
};

/** For the choice of a site; whoever may not read the directory types its id. */
export async function sites(): Promise<{ value: string; label: string }[]> {
  const found = await list<{ id: string; name: string }>('/directory/sites', { limit: 500 });
  return found.items.map((one) => ({ value: one.id, label: one.name }));
}
