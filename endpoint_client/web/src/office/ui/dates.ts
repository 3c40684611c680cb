// Times as the province reads them, whatever zone the browser is set to. Seconds since 1970, or ISO 8601 with an offset.

export const ZONE = 'Asia/Ho_Chi_Minh';
const OFFSET = '+07:00'; // no summer time since 1975, and none before it that an office would enter
const OFFSET_MS = 7 * 3600_000;

export type Moment = number | string | Date;

export function asDate(at: Moment): Date {
  return typeof at === 'number' ? new Date(at * 1000) : new Date(at);
}

function shifted(at: Moment): string {
  const date = asDate(at);
  return Number.isNaN(date.valueOf()) ? '' : new Date(date.valueOf() + OFFSET_MS).toISOString();
}

/** 23/11/2026 */
export function dateText(at: Moment | null | undefined): string {
  const iso = at === null || at === undefined ? '' : shifted(at);
  return iso && `${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}`;
}

/** 08:30 */
export function timeText(at: Moment | null | undefined): string {
  return at === null || at === undefined ? '' : shifted(at).slice(11, 16);
}

/** 08:30 23/11/2026 */
export function dateTimeText(at: Moment | null | undefined): string {
  return at === null || at === undefined || !shifted(at) ? '' : `${timeText(at)} ${dateText(at)}`;
}

/** 08:30–11:00 23/11/2026, or both in full when they are not on one day. */
export function spanText(from: Moment, to: Moment): string {
  return dateText(from) === dateText(to)
    ? `${timeText(from)}–${timeText(to)} ${dateText(from)}`
    : `${dateTimeText(from)} – ${dateTimeText(to)}`;
}

/** 90 s → "1 phút 30 giây" is not needed: hours and minutes, "2:05". */
export function durationText(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

/** What `<input type="datetime-local">` holds: "2026-11-23T08:30". */
export function toInput(at: Moment | null | undefined): string {
  return at === null || at === undefined || at === '' ? '' : shifted(at).slice(0, 16);
}

/** The input's value as the API wants it: "2026-11-23T08:30:00+07:00"; null when it is empty. */
export function fromInput(value: string): string | null {
  return value ? `${value.slice(0, 16)}:00${OFFSET}` : null;
}

/** "2026-11-23": today, there. */
export function today(now: Date = new Date()): string {
  return shifted(now).slice(0, 10);
}
