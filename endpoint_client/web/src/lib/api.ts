// The operator API under /api/v1: types and one small client.
//
// Hand-written after the contract of control_api; the only file to change when types are generated from
// /api/v1/openapi.json instead.

import type { MutedBy, Reported, SharedView, View } from './protocol';

export type SiteRole = 'main' | 'member';
export type SiteState = 'absent' | 'connecting' | 'live' | 'away';
export type CellTrack = 'camera' | 'screen';
export type Transition = 'cut' | 'fade';
export type Size = 'high' | 'medium' | 'low' | 'sound';
/** The rule that fills a cell: who is loudest is kept for `hold` s, a rotation shows each for `seconds`. */
export type Filler =
  | { filler: 'podium' | 'content' | 'blank' }
  | { filler: 'loudest'; hold: number }
  | { filler: 'rotation'; seconds: number; sites: string[] };
export interface Pages {
  tiles: number;
  seconds: number;
}

export interface User {
  username: string;
  role: string;
  name: string;
  organisation?: string | null;
  pending?: 'password' | 'second_factor' | null; // what must be done before anything else
  rights?: string[]; // what the role may do, as control_api names it
}
export interface Conference {
  id: string;
  title: string;
  open?: boolean;
  sites?: number;
  present?: number;
}
export type Fit = 'letterbox' | 'crop';
export interface LayoutCell {
  x: number;
  y: number;
  w: number;
  h: number;
  z: number;
  fit: Fit;
}
export interface Layout {
  name: string;
  title_vi: string;
  title_en: string;
  cells: LayoutCell[];
  custom: boolean; // drawn by the office
}
export interface SiteStatus {
  id: string;
  number: number;
  name: string;
  role: SiteRole;
  state: SiteState;
  muted: boolean;
  muted_by: MutedBy | null;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
  visible: boolean;
  on_podium: boolean;
  next: boolean;
  gain_db: number;
  view: View;
  size: Size | null; // what it is sent now; null: not there
  pinned: Size | null;
}
/** A cell as it is filled now, and where; `fixed`: by the operator, else by the automatic filling. */
export interface ViewCell {
  site: string | null;
  track: CellTrack;
  fixed: boolean;
  filler: Filler | null;
  x: number;
  y: number;
  w: number;
  h: number;
  z: number;
}
export interface ViewStatus {
  layout: string; // "auto" or a layout's name
  effective_layout: string;
  pages: Pages | null;
  transition: Transition;
  podium_layout: string | null; // what the podium gives it; null: nothing
  cells: ViewCell[];
  frame_rate: number;
  width: number;
  height: number;
}
export interface ConferenceState {
  id: string;
  title: string;
  revision: number;
  open: boolean;
  podium: string | null;
  next: string | null;
  can_undo: boolean;
  speaker: string | null;
  main_site: string | null;
  sites: SiteStatus[];
  auto_mute_noisy: boolean;
  /** Sites heard at once besides the main site and the podium, 1 to 8. */
  loudest: number;
  pass_through: boolean;
  personal_views: { used: number; most: number };
  views: Record<SharedView, ViewStatus> & Record<string, ViewStatus>;
}
/** What relays and mixer tell of themselves once a second. */
export interface MachineFigures {
  relays: Record<string, Record<string, number>>;
  mixer: Record<string, number | string[]> | null;
}
export type LiveEvent =
  | { type: 'state'; state: ConferenceState }
  | { type: 'levels'; levels: Record<string, number> } // dBov, -127…0
  | { type: 'quality'; sites: Record<string, Reported> }
  | ({ type: 'stats' } & MachineFigures)
  | { type: 'roll_call' | 'floor' | 'issues' | 'cues' | 'invitations' } // read it again
  | { type: 'alarm'; code: string; vi: string; en: string; at: string | number };

/** An answer other than 2xx, or no answer at all (`status` 0, `code` "offline"). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly vi: string,
    readonly en: string,
    readonly detail: unknown = null, // what belongs to the code, as alternatives to a refused meeting
  ) {
    super(`${code}: ${en}`);
  }
}

export function requestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs a secure context
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const ROOT = '/api/v1';
const DEADLINE_MS = 8000;

/** Ask once; a command that got no answer is repeated once under the same Idempotency-Key. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
  key = requestId(),
  deadline = DEADLINE_MS,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') {
    headers['X-MCU-Request'] = '1';
    headers['Idempotency-Key'] = key;
  }
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const once = () =>
    fetch(ROOT + path, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(deadline),
    });
  try {
    return await once().catch(once);
  } catch {
    throw new ApiError(
      0,
      'offline',
      'Không liên lạc được với máy chủ. Hãy kiểm tra mạng rồi thử lại.',
      'The server cannot be reached. Check the network and try again.',
    );
  }
}

/** What an answer other than 2xx says. */
export async function refusal(answer: Response): Promise<ApiError> {
  const error = (parsed(await answer.text()) as { error?: Partial<ApiError> } | undefined)?.error;
  return new ApiError(
    answer.status,
    error?.code ?? `http_${answer.status}`,
    error?.vi ?? `Máy chủ trả lời lỗi ${answer.status}. Hãy thử lại hoặc báo quản trị viên.`,
    error?.en ?? `The server answered with error ${answer.status}. Try again or tell the administrator.`,
    error?.detail,
  );
}

export async function call<T = unknown>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
  const answer = await ask(method, path, body, key);
  if (!answer.ok) throw await refusal(answer);
  return parsed(await answer.text()) as T;
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

const of = (conference: string) => `/conferences/${encodeURIComponent(conference)}`;
const site = (conference: string, id: string) => `${of(conference)}/sites/${encodeURIComponent(id)}`;

export const api = {
  session: () => call<{ user: User }>('GET', '/session'),
  logout: () => call('DELETE', '/session'),

  conferences: async () => {
    const found = await call<Conference[] | { conferences: Conference[] }>('GET', '/conferences');
    return Array.isArray(found) ? found : found.conferences;
  },
  createConference: (title: string) => call<Conference>('POST', '/conferences', { title }),
  removeConference: (id: string) => call('DELETE', of(id)),
  state: (c: string) => call<ConferenceState>('GET', `${of(c)}/state`),

  layouts: async () => {
    const found = await call<Layout[] | { layouts: Layout[] }>('GET', '/layouts');
    return Array.isArray(found) ? found : found.layouts;
  },

  /** Draw a layout of one's own, or draw it anew (`known`). */
  drawLayout: (layout: Omit<Layout, 'custom' | 'title_en'> & { title_en: string | null }, known: boolean) => {
    const { name, ...drawing } = layout;
    return known ? call('PUT', `/layouts/${name}`, drawing) : call('POST', '/layouts', layout);
  },
  removeLayout: (name: string) => call('DELETE', `/layouts/${name}`),

  addSite: (c: string, name: string, role: SiteRole) => call<{ id: string }>('POST', `${of(c)}/sites`, { name, role }),
  removeSite: (c: string, s: string) => call('DELETE', site(c, s)),
  link: (c: string, s: string) => call<{ url: string; token: string }>('POST', `${site(c, s)}/link`),

  podium: (c: string, s: string | null) => call('POST', `${of(c)}/podium`, { site: s }),
  next: (c: string, s: string | null) => call('POST', `${of(c)}/next`, { site: s }),
  undo: (c: string) => call('POST', `${of(c)}/undo`),
  layout: (c: string, view: View, layout: string, pages: Pages | null = null) =>
    call('PUT', `${of(c)}/views/${view}/layout`, { layout, pages }),
  transition: (c: string, view: View, transition: Transition) =>
    call('PUT', `${of(c)}/views/${view}/transition`, { transition }),
  podiumLayout: (c: string, view: View, layout: string) =>
    call('PUT', `${of(c)}/views/${view}/podium-layout`, { layout }),
  /** `s` null gives the cell back to the automatic filling. */
  cell: (c: string, view: View, n: number, s: string | null, track: CellTrack) =>
    call('PUT', `${of(c)}/views/${view}/cells/${n}`, { site: s, track }),
  fill: (c: string, view: View, n: number, filler: Filler) =>
    call('PUT', `${of(c)}/views/${view}/cells/${n}`, filler),
  personalView: (c: string, s: string, layout: string) => call('PUT', `${site(c, s)}/view`, { layout }),
  dropPersonalView: (c: string, s: string) => call('DELETE', `${site(c, s)}/view`),
  pin: (c: string, s: string, size: Size | null) => call('PUT', `${site(c, s)}/size`, { size }),
  options: (c: string, options: Partial<Pick<ConferenceState, 'auto_mute_noisy' | 'loudest' | 'pass_through'>>) =>
    call('PATCH', of(c), options),
  muted: (c: string, s: string, muted: boolean) => call('PUT', `${site(c, s)}/muted`, { muted }),
  muteAll: (c: string, except: string[]) => call('POST', `${of(c)}/mute-all`, { except }),
  unmuteAll: (c: string) => call('POST', `${of(c)}/unmute-all`),
  drop: (c: string, s: string) => call('POST', `${site(c, s)}/drop`),
  monitor: (c: string, view: View) => call<{ token: string; url: string }>('POST', `${of(c)}/monitors`, { view }),
};

export function socketUrl(path: string): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}
