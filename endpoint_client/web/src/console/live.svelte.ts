// One conference as the server tells it: state, quality, levels, alarms, and the log made from their changes.
//
// Levels come 5 times a second for every site and stay outside the framework: `onlevels` is called instead.

import {
  ApiError,
  api,
  socketUrl,
  type ConferenceState,
  type LiveEvent,
  type MachineFigures,
  type SiteStatus,
} from '../lib/api';
import { backoff } from '../lib/backoff';
import type { Reported, View } from '../lib/protocol';
import type { Messages } from '../messages/vi';
import { desk } from './desk.svelte';
import { viewTitle } from './views';

export interface LogEntry {
  id: number;
  at: Date;
  alarm: boolean;
  read: boolean;
  say: (messages: Messages, vi: boolean) => string;
}

const LOG_LENGTH = 300;
const SILENCE_MS = 10_000;

export class Live {
  state = $state.raw<ConferenceState | null>(null);
  attached = $state(false);
  missing = $state(false);
  quality = $state.raw<Record<string, Reported>>({});
  log = $state.raw<LogEntry[]>([]); // newest first
  stats = $state.raw<MachineFigures | null>(null);
  onlevels: (levels: Record<string, number>) => void = () => undefined;
  /** Something of the meeting changed on the server: roll_call, floor, issues, cues. */
  onnews: (what: string) => void = () => undefined;
  /** The events are (again) to be had: what came meanwhile was missed. */
  onattached: () => void = () => undefined;

  #socket: WebSocket | null = null;
  #attempt = 0;
  #entry = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    readonly conference: string,
    /** Told why the events cannot be had (logged out, no network). */
    readonly onerror: (error: unknown) => void,
  ) {}

  get unread(): number {
    return this.log.filter((entry) => entry.alarm && !entry.read).length;
  }

  open(): void {
    const socket = new WebSocket(socketUrl(`/ws/v1/conferences/${encodeURIComponent(this.conference)}/events`));
    this.#socket = socket;
    this.#heard(socket);
    socket.onmessage = (event) => {
      this.#heard(socket);
      try {
        this.#take(JSON.parse(String(event.data)) as LiveEvent);
      } catch (error) {
        console.error('event not understood:', error);
      }
    };
    socket.onclose = () => this.#lost(socket);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  read(id?: number): void {
    this.log = this.log.map((entry) => (id === undefined || entry.id === id ? { ...entry, read: true } : entry));
  }

  /** A silent socket may be an idle conference or a dead line: ask. */
  #heard(socket: WebSocket): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      api
        .state(this.conference)
        .then(() => this.#heard(socket))
        .catch(() => {
          socket.onclose = null;
          socket.close();
          this.#lost(socket);
        });
    }, SILENCE_MS);
  }

  #lost(socket: WebSocket): void {
    if (this.#closed || this.#socket !== socket) return;
    this.#socket = null;
    this.attached = false;
    clearTimeout(this.#silence);
    void this.#why();
  }

  /** A refused WebSocket does not say why; the same question by HTTP does. */
  async #why(): Promise<void> {
    try {
      await api.state(this.conference);
    } catch (error) {
      if (this.#closed) return;
      if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
        this.missing = true;
        return;
      }
      if (error instanceof ApiError && error.status === 401) {
        this.onerror(error);
        return;
      }
    }
    if (!this.#closed) this.#retry = setTimeout(() => this.open(), backoff(this.#attempt++) * 1000);
  }

  #take(event: LiveEvent): void {
    switch (event.type) {
      case 'state': {
        const before = this.state;
        if (before && event.state.revision < before.revision && this.attached) return; // overtaken
        this.state = event.state;
        if (!this.attached) this.onattached();
        this.attached = true;
        this.#attempt = 0;
        if (before) this.#compare(before, event.state);
        break;
      }
      case 'levels':
        this.onlevels(event.levels);
        break;
      case 'quality':
        this.quality = event.sites;
        break;
      case 'stats':
        this.stats = event;
        break;
      case 'roll_call':
      case 'floor':
      case 'issues':
      case 'cues':
        this.onnews(event.type);
        break;
      case 'alarm':
        this.#write((_, vi) => (vi ? event.vi : event.en), true, when(event.at));
        break;
    }
  }

  #compare(before: ConferenceState, after: ConferenceState): void {
    const old = new Map(before.sites.map((site) => [site.id, site]));
    for (const site of after.sites) {
      const was = old.get(site.id);
      old.delete(site.id);
      if (was) this.#compareSite(was, site);
      else this.#write((m) => m.console.log.added(site.name));
    }
    for (const gone of old.values()) this.#write((m) => m.console.log.removed(gone.name));
    if (before.podium !== after.podium) {
      const name = after.sites.find((site) => site.id === after.podium)?.name;
      this.#write((m) => (name ? m.console.log.podium(name) : m.console.log.podiumNone));
    }
    for (const view of Object.keys(after.views) as View[]) {
      const layout = after.views[view]?.layout;
      if (!layout || before.views[view]?.layout === layout) continue;
      this.#write((m, vi) => m.console.log.layout(viewTitle(view, after, m), desk.layoutTitle(layout, m, vi)));
    }
  }

  #compareSite(was: SiteStatus, site: SiteStatus): void {
    if (was.state !== site.state) {
      if (site.state === 'live') this.#write((m) => m.console.log.joined(site.name));
      else if (site.state === 'away') this.#write((m) => m.console.log.lost(site.name));
      else if (site.state === 'absent') this.#write((m) => m.console.log.left(site.name));
    }
    const muted = site.muted_by === 'operator';
    if ((was.muted_by === 'operator') !== muted && !(site.muted_by === 'rule' || was.muted_by === 'rule')) {
      this.#write((m) => (muted ? m.console.log.muted(site.name) : m.console.log.unmuted(site.name)));
    }
  }

  #write(say: LogEntry['say'], alarm = false, at = new Date()): void {
    this.log = [{ id: ++this.#entry, at, alarm, read: !alarm, say }, ...this.log].slice(0, LOG_LENGTH);
  }
}

/** ISO text or seconds since 1970. */
function when(at: string | number): Date {
  const date = new Date(typeof at === 'number' ? at * 1000 : at);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
