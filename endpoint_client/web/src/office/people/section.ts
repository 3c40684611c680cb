import type { Section } from '../sections';
import People from './People.svelte';
import Profile from './Profile.svelte';

export const sections: Section[] = [
  {
    id: 'people',
    group: 'system',
    order: 10,
    title: { vi: 'Tài khoản', en: 'Accounts' },
    right: 'administer',
    component: People,
  },
  {
    id: 'profile',
    group: 'system',
    order: 90,
    title: { vi: 'Tài khoản của tôi', en: 'My account' },
    right: 'signed_in',
    component: Profile,
  },
];
