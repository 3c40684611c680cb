// Something fetched: what came, what is wrong, and fetching it again. An older answer never replaces a newer one.

import { desk } from '../../console/desk.svelte';
import { ApiError, sentence } from '../api';
import type { Sentence } from './texts';

export class Loaded<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<Sentence | null>(null);
  loading = $state(false);
  #turn = 0;

  constructor(readonly fetch: () => Promise<T>) {}

  async load(): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    try {
      const found = await this.fetch();
      if (turn !== this.#turn) return;
      this.data = found;
      this.error = null;
    } catch (reason) {
      if (turn !== this.#turn) return;
      if (reason instanceof ApiError && reason.status === 401) desk.tell(reason); // to the sign-in
      this.error = sentence(reason);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}

/** One change at a time, and what the server said to it. */
export class Doing {
  working = $state(false);
  error = $state.raw<Sentence | null>(null);
  detail = $state.raw<unknown>(null); // of the error

  /** True when it was done. */
  async run(change: () => Promise<unknown>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.error = this.detail = null;
    try {
      await change();
      return true;
    } catch (reason) {
      if (reason instanceof ApiError && reason.status === 401) desk.tell(reason);
      this.error = sentence(reason);
      this.detail = reason instanceof ApiError ? reason.detail : null;
      return false;
    } finally {
      this.working = false;
    }
  }
}
