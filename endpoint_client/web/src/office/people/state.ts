// What state an account is in, in one word.

import type { Account } from './api';

export type AccountState = 'active' | 'disabled' | 'locked' | 'expired' | 'fresh';

export function stateOf(account: Account, now = Date.now() / 1000): AccountState {
  if (account.disabled) return 'disabled';
  if (account.locked_at !== null) return 'locked';
  if (account.expires_at !== null && account.expires_at <= now) return 'expired';
  return account.must_change ? 'fresh' : 'active';
}

export const TONES = {
  active: 'good',
  disabled: 'off',
  locked: 'warn',
  expired: 'warn',
  fresh: 'neutral',
} as const;
