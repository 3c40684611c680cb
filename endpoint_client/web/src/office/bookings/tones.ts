import type { Step } from './api';

export type Tone = 'neutral' | 'active' | 'good' | 'warn' | 'off';
export const TONES: Record<Step, Tone> = {
  draft: 'off',
  registered: 'warn',
  allocated: 'neutral',
  announced: 'neutral',
  prepared: 'neutral',
  checked: 'good',
  connected: 'good',
  serving: 'active',
  closed: 'off',
  refused: 'warn',
  cancelled: 'off',
  displaced: 'warn',
};

/** 0.613 is "61 %". */
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
