// One run of the technical check: what has been measured, and at which step the site is.

import { ApiError, requestId } from '../../lib/api';
import { recall, remember } from '../../lib/remember';
import * as api from './api';
import { still } from './devices';

export const STEPS = ['camera', 'microphone', 'speaker', 'room', 'sheet', 'result'] as const;
export type Step = 'intro' | (typeof STEPS)[number];

const KEPT = 'check.sheet'; // names and numbers stay the same from meeting to meeting

export class Flow {
  step = $state<Step>('intro');
  about = $state.raw<api.SiteCheck | null>(null);
  measured = $state.raw<api.Measured>({});
  sheet = $state<api.Sheet>(emptySheet());
  picture: string | null = null; // the still, base64
  result = $state.raw<api.Check | null>(null);
  error = $state.raw<{ vi: string; en: string } | null>(null);
  sending = $state(false);
  /** Gives the test room up; the step that holds it sets this. */
  release: () => void = () => undefined;
  #attempt = requestId();

  constructor(readonly token: string) {}

  async load(): Promise<void> {
    this.error = null;
    try {
      this.about = await api.open(this.token);
    } catch (error) {
      this.error = sentence(error);
      return;
    }
    const newest = this.about.newest;
    if (newest && !this.sheet.operator_name) {
      const { leader, operator_name, operator_position, operator_phone } = newest;
      Object.assign(this.sheet, { leader, operator_name, operator_position, operator_phone });
    }
  }

  start(): void {
    this.release();
    this.measured = {};
    this.picture = null;
    this.result = null;
    this.error = null;
    this.#attempt = requestId();
    this.step = 'camera';
  }

  keep(measured: api.Measured): void {
    this.measured = { ...this.measured, ...measured };
  }

  next(): void {
    const at = STEPS.indexOf(this.step as (typeof STEPS)[number]);
    this.step = STEPS[at + 1] ?? 'result';
  }

  async photograph(track: MediaStreamTrack | null): Promise<void> {
    this.picture = track ? await still(track).catch(() => null) : null;
  }

  /** Hand the check in; the same run may be sent again when the answer was lost. */
  async send(): Promise<void> {
    this.sending = true;
    this.error = null;
    try {
      this.result = await api.send({
        token: this.token,
        attempt: this.#attempt,
        sheet: $state.snapshot(this.sheet),
        measured: this.measured,
        client: navigator.userAgent.slice(0, 200),
        still: this.picture,
      });
      const { leader, operator_name, operator_position, operator_phone } = this.sheet;
      remember(KEPT, JSON.stringify({ leader, operator_name, operator_position, operator_phone }));
      this.release();
      this.step = 'result';
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.sending = false;
    }
  }
}

function emptySheet(): api.Sheet {
  let kept: Partial<api.Sheet> = {};
  try {
    kept = JSON.parse(recall(KEPT) ?? '{}') as Partial<api.Sheet>;
  } catch {
    kept = {};
  }
  return {
    leader: kept.leader ?? '',
    operator_name: kept.operator_name ?? '',
    operator_position: kept.operator_position ?? '',
    operator_phone: kept.operator_phone ?? '',
    remark: '',
    tester: '',
    device_ready: false,
  };
}

export function sentence(error: unknown): { vi: string; en: string } {
  if (error instanceof ApiError) return { vi: error.vi, en: error.en };
  console.error(error);
  return { vi: 'Trang này gặp lỗi. Hãy tải lại trang.', en: 'This page has a fault. Please reload it.' };
}
