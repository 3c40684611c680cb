// What the areas' own `api.ts` are written with. A refusal is an ApiError with the server's sentence in both languages.

import { ApiError, ask, call, refusal } from '../lib/api';

export { ApiError, requestId } from '../lib/api';

export type Query = Record<string, string | number | boolean | null | undefined>;
/** A part of a list; `total` is the length of the whole. */
export interface Part<T> {
  items: T[];
  total: number;
}

/** "/bookings?state=draft"; what is empty, null or undefined is left out. */
export function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

export function get<T>(path: string, query: Query = {}): Promise<T> {
  return call<T>('GET', withQuery(path, query));
}

/** A list that is read in parts: `offset` and `limit` are asked, X-Total-Count is answered. */
export async function list<T>(path: string, query: Query = {}): Promise<Part<T>> {
  const answer = await ask('GET', withQuery(path, query));
  if (!answer.ok) throw await refusal(answer);
  const items = (await answer.json()) as T[];
  return { items, total: Number(answer.headers.get('X-Total-Count') ?? items.length) };
}

/** `key`: pass the same one while a form is sent again, so that nothing is created twice. */
export function post<T = unknown>(path: string, body?: unknown, key?: string): Promise<T> {
  return call<T>('POST', path, body, key);
}

export function put<T = unknown>(path: string, body?: unknown, key?: string): Promise<T> {
  return call<T>('PUT', path, body, key);
}

export function patch<T = unknown>(path: string, body?: unknown, key?: string): Promise<T> {
  return call<T>('PATCH', path, body, key);
}

export function remove<T = unknown>(path: string, key?: string): Promise<T> {
  return call<T>('DELETE', path, undefined, key);
}

/** Fetch a file and have the browser keep it. Reports take a while: the deadline is a minute. */
export async function download(path: string, query: Query = {}, name = ''): Promise<void> {
  const answer = await ask('GET', withQuery(path, query), undefined, undefined, 60_000);
  if (!answer.ok) throw await refusal(answer);
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name || fileName(answer.headers.get('Content-Disposition')) || 'file';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function fileName(disposition: string | null): string {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1];
  if (encoded) return decodeURIComponent(encoded);
  return /filename="?([^";]+)"?/i.exec(disposition ?? '')?.[1] ?? '';
}

/** What went wrong as a sentence for `Notice`; a fault of the page itself is named as one. */
export function sentence(reason: unknown): { vi: string; en: string } {
  if (reason instanceof ApiError) return { vi: reason.vi, en: reason.en };
  console.error(reason);
  return { vi: 'Trang này gặp lỗi. Hãy tải lại trang.', en: 'This page has a fault. Please reload it.' };
}
