// Accounts: what administrators keep.

import type { SessionInfo } from '../../console/signin/api';
import { get, list, patch, post, put, remove, type Query } from '../api';

export type Role =
  | 'administrator'
  | 'officer'
  | 'operator'
  | 'technician'
  | 'host'
  | 'auditor'
  | 'carrier'
  | 'viewer';
export const ROLES: Role[] = [
  'administrator',
  'officer',
  'operator',
  'technician',
  'host',
  'auditor',
  'carrier',
  'viewer',
];

export interface Account {
  username: string;
  name: string;
  role: Role;
  organisation: string | null;
  email: string | null;
  phone: string;
  disabled: boolean;
  locked_at: number | null;
  failures: number;
  must_change: boolean;
  second_factor: boolean;
  expires_at: number | null;
  created_at: number;
  password_changed_at: number;
}
export interface NewAccount {
  username: string;
  name: string;
  role: Role;
  organisation: string | null;
  email: string | null;
  phone: string;
  expires_at: string | null;
}
export type AccountChange = Partial<Omit<NewAccount, 'username'>> & { disabled?: boolean };

const of = (username: string) => `/users/${encodeURIComponent(username)}`;

export const people = {
  list: (query: Query) => list<Account>('/users', query),
  get: (username: string) => get<Account>(of(username)),
  create: (account: NewAccount, key: string) => post<Account & { password: string | null }>('/users', account, key),
  change: (username: string, change: AccountChange) => patch<Account>(of(username), change),
  resetPassword: (username: string) => put<{ password: string | null }>(`${of(username)}/password`, {}),
  unlock: (username: string) => post<Account>(`${of(username)}/unlock`),
  lock: (username: string) => post(`${of(username)}/lock`),
  resetSecondFactor: (username: string) => remove(`${of(username)}/second-factor`),
  sessions: (username: string) => get<SessionInfo[]>(`${of(username)}/sessions`),
  endSessions: (username: string) => remove(`${of(username)}/sessions`),
  endSession: (username: string, id: string) => remove(`${of(username)}/sessions/${id}`),
};

interface Organisation {
  id: string;
  name: string;
}

/** For the choice of an organisation; none when the directory is empty. */
export async function organisations(): Promise<{ value: string; label: string }[]> {
  const found = await list<Organisation>('/directory/organisations', { limit: 500 });
  return found.items.map((one) => ({ value: one.id, label: one.name }));
}
