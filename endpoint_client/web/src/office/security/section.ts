import type { Section } from '../sections';
import Security from './Security.svelte';

export const sections: Section[] = [
  {
    id: 'security',
    group: 'system',
    order: 20,
    title: { vi: 'An toàn thông tin', en: 'Security' },
    right: 'audit',
    component: Security,
  },
];
