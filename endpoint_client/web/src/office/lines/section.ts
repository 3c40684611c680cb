import type { Section } from '../sections';
import Lines from './Lines.svelte';

export const sections: Section[] = [
  {
    id: 'lines',
    group: 'meetings',
    order: 70,
    title: { vi: 'Đường truyền', en: 'Lines' },
    right: 'lines',
    component: Lines,
  },
];
