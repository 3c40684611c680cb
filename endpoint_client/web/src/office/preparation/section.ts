import type { Section } from '../sections';
import Preparation from './Preparation.svelte';

export const sections: Section[] = [
  {
    id: 'preparation',
    group: 'meetings',
    order: 30,
    title: { vi: 'Chuẩn bị cuộc họp', en: 'Preparation' },
    right: 'read',
    component: Preparation,
  },
];
