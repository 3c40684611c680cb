import type { Section } from '../sections';
import Upkeep from './Upkeep.svelte';

export const sections: Section[] = [
  {
    id: 'upkeep',
    group: 'system',
    order: 80,
    title: { vi: 'Sao lưu, lưu trữ', en: 'Backup, retention' },
    right: 'audit',
    component: Upkeep,
  },
];
