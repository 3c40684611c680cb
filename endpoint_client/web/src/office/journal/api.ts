// Journals of the conferences: control_api/journal/routes.py.

import { download, get, list, post, type Part } from '../api';

export interface JournalLine {
  seq: number;
  at: string;
  what: string;
  actor: string | null;
  site: string | null;
  site_name: string | null;
  vi: string;
  en: string;
  hash: string;
}
export interface JournalPart {
  lines: JournalLine[];
  next: number | null;
  title: string | null; // of the conference
}
export interface JournalSummary {
  conference: string;
  title: string | null;
  lines: number;
  pruned: number;
  changed_at: string;
}
export interface Finding {
  kind: string;
  conference: string;
  seq: number;
  vi: string;
  en: string;
}
export interface Verdict {
  whole: boolean;
  lines: number;
  pruned: number;
  seq: number;
  hash: string;
  findings: Finding[];
}
export interface Filter {
  what: string | null;
  site: string | null;
  since: string | null;
  until: string | null;
}
export type Format = 'jsonl' | 'csv' | 'xlsx' | 'zip';

const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}/journal`;

export const PAGE = 50;

/** All journals; who may not audit sees the conferences there are now. */
export async function journals(audits: boolean, offset: number): Promise<Part<JournalSummary>> {
  if (audits) return list<JournalSummary>('/journals', { offset, limit: PAGE });
  const found = await list<{ id: string; title: string }>('/conferences', { offset, limit: PAGE });
  const items = found.items.map((one) => ({
    conference: one.id,
    title: one.title,
    lines: 0,
    pruned: 0,
    changed_at: '',
  }));
  return { items, total: found.total };
}

export function read(conference: string, filter: Filter, after: number | null): Promise<JournalPart> {
  return get<JournalPart>(of(conference), { ...filter, after, limit: 100 });
}

export function verify(conference: string): Promise<Verdict> {
  return get<Verdict>(`${of(conference)}/verification`);
}

export function save(conference: string, filter: Filter, format: Format): Promise<void> {
  return download(`${of(conference)}/export`, { ...filter, format });
}

export interface Note {
  text: string;
  site: string | null;
  happened_at: string | null;
}

export function note(conference: string, body: Note, key: string): Promise<JournalLine> {
  return post<JournalLine>(`${of(conference)}/notes`, body, key);
}

/** Sites that take part now; none of a conference that is gone. */
export async function sites(conference: string): Promise<{ id: string; name: string }[]> {
  return get<{ id: string; name: string }[]>(`/conferences/${encodeURIComponent(conference)}/sites`).catch(() => []);
}
