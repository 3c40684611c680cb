import type { Section } from '../sections';
import Journals from './Journals.svelte';

export const sections: Section[] = [
  {
    id: 'journal',
    group: 'meetings',
    order: 60,
    title: { vi: 'Nhật ký', en: 'Journal' },
    right: 'read',
    component: Journals,
  },
];
