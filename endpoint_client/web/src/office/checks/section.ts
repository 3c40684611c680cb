import type { Section } from '../sections';
import Checks from './Checks.svelte';

export const sections: Section[] = [
  {
    id: 'checks',
    group: 'meetings',
    order: 40,
    title: { vi: 'Kiểm tra kỹ thuật', en: 'Technical checks' },
    right: 'read',
    component: Checks,
  },
];
