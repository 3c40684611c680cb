// An area's own texts: `{ vi: {...}, en: {...} }`; reading them in a component makes it follow the language.

import { language } from '../../lib/i18n.svelte';

export interface Sentence {
  vi: string;
  en: string;
}

export function pick<T>(both: { vi: T; en: T }): T {
  return language() === 'vi' ? both.vi : both.en;
}
