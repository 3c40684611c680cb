import type { Section } from '../sections';
import Bookings from './Bookings.svelte';
import Conflicts from './Conflicts.svelte';
import Inbox from './Inbox.svelte';

export const sections: Section[] = [
  {
    id: 'inbox',
    group: 'meetings',
    order: 5,
    title: { vi: 'Phiếu chờ trả lời', en: 'Inbox' },
    right: 'decide',
    component: Inbox,
  },
  {
    id: 'bookings',
    group: 'meetings',
    order: 10,
    title: { vi: 'Lịch họp và đăng ký', en: 'Calendar and registration' },
    right: 'read',
    component: Bookings,
  },
  {
    id: 'conflicts',
    group: 'meetings',
    order: 15,
    title: { vi: 'Trùng lịch và năng lực', en: 'Overlaps and capacity' },
    right: 'book',
    component: Conflicts,
  },
];
