// Scripts of meetings: control_api/scripts/routes.py.

import type { CellTrack, ConferenceState, Layout, Pages, Transition } from '../../lib/api';
import type { SharedView } from '../../lib/protocol';
import { get, list, post, put } from '../api';

export interface Cell {
  cell: number;
  site?: string | null;
  track?: CellTrack;
  filler?: 'site' | 'podium' | 'loudest' | 'rotation' | 'content' | 'blank' | null;
  seconds?: number;
  hold?: number;
  sites?: string[];
}
export interface SceneView {
  view: SharedView;
  layout: string;
  pages: Pages | null;
  transition: Transition | null;
  cells: Cell[];
}
export interface Scene {
  id: string | null;
  title: string;
  agenda: string;
  minutes: number;
  podium: string | null;
  views: SceneView[];
  audio: 'open' | 'podium';
  heard: string[];
  speakers: string[];
  presets: { site: string; preset: string }[];
  note: string;
}
export interface Brief {
  id: string;
  title: string;
  index: number;
  podium: string | null;
}
export interface Runner {
  conference: string;
  live: boolean;
  rehearsal: boolean;
  scenes: number;
  scene: Brief | null;
  next: Brief | null;
  previous: Brief | null;
  warnings: { code: string; site: string; vi: string; en: string }[];
}
export interface Script {
  conference: string;
  revision: number;
  scenes: Scene[];
  minutes: number;
  problems: { scene: string; field: string; code: string; vi: string; en: string }[];
  runner: Runner;
  changed_at: string | null;
  changed_by: string | null;
}
export interface Speaker {
  site: string;
  name: string;
  scenes: string[];
  checked: boolean | null;
}
export interface Place {
  id: string;
  name: string;
}
export interface Meeting {
  id: string;
  conference: string;
  title: string;
  starts_at: string;
  sites: number;
}

export const PAGE = 50;
const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}`;

export const meetings = (since: string, offset: number) =>
  list<Meeting>('/bookings', { from: since, offset, limit: PAGE });
export const script = (c: string) => get<Script>(`${of(c)}/script`);
export const save = (c: string, revision: number, scenes: Scene[]) => put<Script>(`${of(c)}/script`, { revision, scenes });
export const copy = (c: string, from: string, revision: number) =>
  post<Script>(`${of(c)}/script/copy`, { from, revision });
export const speakers = (c: string) => get<Speaker[]>(`${of(c)}/script/speakers`);
export const askSpeakers = (c: string) => post<Speaker[]>(`${of(c)}/script/speakers/check`);
export const next = (c: string, after: string | null) => post<Runner>(`${of(c)}/script/next`, after ? { after } : {});
export const previous = (c: string, after: string | null) =>
  post<Runner>(`${of(c)}/script/previous`, after ? { after } : {});
export const goto = (c: string, scene: string) => post<Runner>(`${of(c)}/script/goto`, { scene });
export const rehearse = (c: string, on: boolean) => post<Runner>(`${of(c)}/script/rehearsal`, { on });
export const undo = (c: string) => post<ConferenceState>(`${of(c)}/undo`);
export const layouts = () => get<Layout[]>('/layouts');
export const presets = async (c: string, site: string) =>
  (await get<{ presets: string[] }>(`${of(c)}/sites/${encodeURIComponent(site)}/camera`)).presets;
/** Sites of the meeting, whether or not it is live. */
export const places = async (c: string) =>
  (await get<{ sites: { site: string; name: string }[] }>(`${of(c)}/preparation`)).sites.map(
    (one): Place => ({ id: one.site, name: one.name }),
  );
