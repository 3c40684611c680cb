// The areas of the office page. Each area registers itself in a file of its own, `<area>/section.ts`:
//
//   import type { Section } from '../sections';
//   import Bookings from './Bookings.svelte';
//   export const sections: Section[] = [
//     { id: 'bookings', group: 'meetings', order: 10, title: { vi: 'Lịch hội nghị', en: 'Bookings' }, right: 'read', component: Bookings },
//   ];
//
// `id` is the first part of the address, `#/bookings/b-1`; the parts after it are given to the component as `path`.

import type { Component } from 'svelte';

export type Right =
  | 'signed_in'
  | 'read'
  | 'watch'
  | 'operate'
  | 'book'
  | 'decide'
  | 'maintain'
  | 'check'
  | 'lines'
  | 'audit'
  | 'administer';
export type Group = 'meetings' | 'directory' | 'reports' | 'system';
export const GROUPS: Group[] = ['meetings', 'directory', 'reports', 'system'];

export interface Section {
  id: string;
  group: Group;
  order: number; // within the group, smallest first
  title: { vi: string; en: string };
  right: Right; // who sees it; the server decides anyway
  component: Component<{ path: string[] }>;
}

const found = import.meta.glob<{ sections: Section[] }>('./*/section.ts', { eager: true });

export const SECTIONS: Section[] = Object.values(found)
  .flatMap((area) => area.sections)
  .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.order - b.order);
