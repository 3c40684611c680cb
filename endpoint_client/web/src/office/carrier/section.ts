import type { Section } from '../sections';
import Carrier from './Carrier.svelte';

export const sections: Section[] = [
  {
    id: 'carrier',
    group: 'meetings',
    order: 65,
    title: { vi: 'Trực đường truyền', en: 'Lines on duty' },
    right: 'lines',
    component: Carrier,
  },
];
