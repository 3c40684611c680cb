// Vietnamese first, English second.  `t()` gives the messages of the current language; reading it in a component
// makes the component follow the language.
//
// A plain typed module instead of a message compiler: `en` must be of the type of `vi`, so a key that is missing, or
// misspelt where it is used, fails `npm run check`, which every build runs; nothing is generated, sentences with
// numbers are ordinary functions.

import { en } from '../messages/en';
import { vi, type Messages } from '../messages/vi';
import type { Language } from './protocol';
import { recall, remember } from './remember';

const LANGUAGES: Record<Language, Messages> = { vi, en };

const initial: Language = recall('language') === 'en' ? 'en' : 'vi';
let current = $state<Language>(initial);
document.documentElement.lang = initial;

export function t(): Messages {
  return LANGUAGES[current];
}

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  document.documentElement.lang = next;
  remember('language', next);
}

/** The half of a bilingual sentence from the server that the user reads. */
export function said(sentence: { vi: string; en: string }): string {
  return current === 'vi' ? sentence.vi : sentence.en;
}
