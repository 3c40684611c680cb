// Backups, retention and the verification of all journals: control_api/upkeep/routes.py.

import { get, post } from '../api';

export interface Run {
  started_at: string;
  ended_at: string | null;
  ok: boolean;
  facts: {
    vi?: string;
    en?: string;
    file?: string;
    size?: number;
    rows?: number;
    journals?: number;
    lines?: number;
    findings?: { conference: string; seq: number; vi: string; en: string }[];
    deleted?: Record<string, number>;
  };
}
export interface State {
  backup_enabled: boolean;
  backup_late: boolean;
  next_at: string | null;
  keep: number;
  folder: string;
  files: { name: string; size: number; made_at: string }[];
  retention: { journal_months: number; security_months: number };
  at_work: string | null;
  last_backup: Run | null;
  last_good_backup: Run | null;
  last_pruning: Run | null;
}

export const state = () => get<State>('/upkeep');
export const backUp = () => post('/upkeep/backups');
export const verification = () => get<Run | null>('/journal/verification');
export const verifyAll = () => post('/journal/verification');
