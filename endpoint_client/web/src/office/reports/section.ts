import type { Section } from '../sections';
import Papers from './Papers.svelte';
import Province from './Province.svelte';
import Yearly from './Yearly.svelte';

export const sections: Section[] = [
  {
    id: 'papers',
    group: 'reports',
    order: 10,
    title: { vi: 'Biên bản, đánh giá', en: 'Minutes, evaluation' },
    right: 'read',
    component: Papers,
  },
  {
    id: 'yearly',
    group: 'reports',
    order: 20,
    title: { vi: 'Báo cáo năm', en: 'Yearly report' },
    right: 'read',
    component: Yearly,
  },
  {
    id: 'province',
    group: 'reports',
    order: 30,
    title: { vi: 'Báo cáo toàn tỉnh', en: 'Provincial reports' },
    right: 'audit',
    component: Province,
  },
];
