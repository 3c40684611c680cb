// The lines of all sites, for the carrier and the Sở: never a title, sound or picture of a meeting.

import { download, get, list, type Part, type Query } from '../api';

export type Grade = 'good' | 'fair' | 'bad' | 'lost';
export interface Point {
  at: number;
  grade: Grade;
  loss_up: number | null;
  loss_down: number | null;
  jitter_ms: number | null;
  rtt_ms: number | null;
  up_kbps: number | null;
  down_kbps: number | null;
}
export interface LineNow {
  site: string;
  name: string;
  grade: Grade | null;
  since: number | null;
  figures: Point | null;
}
export interface LineRecord {
  site: string;
  name: string;
  meetings: number;
  seconds: number;
  availability: number | null;
  score: number | null;
  loss: number | null;
  rtt_ms: number | null;
  outages: number;
  longest_outage: number;
  bad_times: number;
  reserve_changes: number;
}
export interface LineEvent {
  at: number;
  site: string;
  name: string;
  kind: 'bad' | 'better' | 'lost' | 'back' | 'reserve';
  seconds: number | null;
  by: string | null;
  text: string;
}
export interface LineMeeting {
  first_at: number;
  last_at: number;
  score: number | null;
  loss: number | null;
  rtt_ms: number | null;
  good: number;
  fair: number;
  bad: number;
  lost: number;
}

export const PAGE = 50;
const of = (site: string) => `/lines/${encodeURIComponent(site)}`;

export const linesNow = (): Promise<LineNow[]> => get('/lines');
export const record = (range: Query): Promise<LineRecord[]> => get('/line-report', range);
export const saveRecord = (range: Query): Promise<void> => download('/line-report/export', range);
export const events = (query: Query): Promise<Part<LineEvent>> => list('/line-events', query);
export const points = (site: string): Promise<Point[]> => get(of(site), { points: 360 });
export const meetings = (site: string): Promise<LineMeeting[]> => get(`${of(site)}/meetings`, { limit: 100 });
