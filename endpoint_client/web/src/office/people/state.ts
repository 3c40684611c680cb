// What state an account is in, in one word.

import type { Account } from './api';

export type AccountState = 'active' | 'disabled' | 'locked' | 'expired' | 'fresh';

export function stateOf(account: Account, now = Date.now() / 1000): AccountState {
  if (account.disabled) return 'disabled';
  if (account.locked_at !== null) return 'locked';
  if (account.expires_at !== null && account.expires_at <= now) return 'expired';
  return account.must_change ? 'fresh' : 'active';
}

/** Roles that without an organisation are the Sở's own. */
const OF_SO: readonly string[] = ['administrator', 'officer', 'operator', 'auditor'];

/** Whose account it is, in words: an organisation's name, the Sở, or nobody's yet. */
export function belongsTo(
  account: Account,
  nameOf: ReadonlyMap<string, string>,
  text: { ofSo: string; noOrganisation: string },
): string {
  if (account.organisation) return nameOf.get(account.organisation) ?? account.organisation;
  return OF_SO.includes(account.role) ? text.ofSo : text.noOrganisation;
}

export const TONES = {
  active: 'good',
  disabled: 'off',
  locked: 'warn',
  expired: 'warn',
  fresh: 'neutral',
} as const;
