// What all parts of the console share: who is logged in, which conference is open, what went wrong.

import { ApiError, api, type Layout, type User } from '../lib/api';
import type { Messages } from '../messages/vi';

export interface Toast {
  id: number;
  vi: string;
  en: string;
}

const TOAST_MS = 8000;

class Desk {
  user = $state.raw<User | null>(null);
  /** Signed in, but a password or a second factor comes first: the sign-in page leads through it. */
  unfinished = $state.raw<User | null>(null);
  /** False until the server said whether we are logged in. */
  known = $state(false);
  expired = $state(false);
  offline = $state(false);
  conference = $state(fromHash());
  toasts = $state.raw<Toast[]>([]);
  /** The catalogue; empty until a conference was opened. */
  layouts = $state.raw<Layout[]>([]);
  #toast = 0;

  constructor() {
    addEventListener('hashchange', () => (this.conference = fromHash()));
  }

  /** A viewer may look at everything and change nothing. */
  get operates(): boolean {
    return this.user !== null && this.user.role !== 'viewer';
  }

  /** What people call a layout. */
  layoutTitle(name: string, messages: Messages, vi: boolean): string {
    if (name === 'auto') return messages.console.layout.auto;
    const layout = this.layouts.find((other) => other.name === name);
    return layout ? (vi ? layout.title_vi : layout.title_en) : name;
  }

  async recognise(): Promise<void> {
    try {
      this.welcome((await api.session()).user);
      this.offline = false;
    } catch (error) {
      this.offline = error instanceof ApiError && error.status === 0;
      this.user = this.unfinished = null;
    }
    this.known = true;
  }

  welcome(user: User): void {
    this.user = user.pending ? null : user;
    this.unfinished = user.pending ? user : null;
    this.expired = false;
  }

  async logout(): Promise<void> {
    await this.run(api.logout());
    this.user = this.unfinished = null;
    location.hash = '';
  }

  /** Await a command; what goes wrong is told to the operator.  Undefined if it failed. */
  async run<T>(command: Promise<T>): Promise<T | undefined> {
    try {
      return await command;
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }

  tell(error: unknown): void {
    if (error instanceof ApiError && error.status === 401 && this.user) {
      this.user = null;
      this.expired = true;
      return;
    }
    const known = error instanceof ApiError;
    if (!known) console.error(error);
    const toast = {
      id: ++this.#toast,
      vi: known ? error.vi : 'Có lỗi trong trang điều khiển. Hãy tải lại trang.',
      en: known ? error.en : 'The console has a fault. Please reload the page.',
    };
    this.toasts = [...this.toasts.filter((other) => other.vi !== toast.vi), toast].slice(-4);
    setTimeout(() => this.dismiss(toast.id), TOAST_MS);
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }
}

function fromHash(): string | null {
  try {
    return decodeURIComponent(location.hash.slice(2)) || null; // "#/c-1"
  } catch {
    return null;
  }
}

export const desk = new Desk();
