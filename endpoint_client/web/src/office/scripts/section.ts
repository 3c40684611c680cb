import type { Section } from '../sections';
import Scripts from './Scripts.svelte';

export const sections: Section[] = [
  {
    id: 'scripts',
    group: 'meetings',
    order: 40,
    title: { vi: 'Kịch bản', en: 'Scripts' },
    right: 'read',
    component: Scripts,
  },
];
