import type { Section } from '../sections';
import Directory from './Directory.svelte';
import Equipment from './Equipment.svelte';
import { messages } from './messages';
import PortalPage from './Portal.svelte';
import RequestsPage from './Requests.svelte';
import TrainingPage from './Training.svelte';

const title = (key: 'portal' | 'directory' | 'equipment' | 'training' | 'requests') => ({
  vi: messages.vi[key],
  en: messages.en[key],
});

export const sections: Section[] = [
  { id: 'portal', group: 'directory', order: 5, title: title('portal'), right: 'read', component: PortalPage },
  { id: 'directory', group: 'directory', order: 10, title: title('directory'), right: 'read', component: Directory },
  { id: 'equipment', group: 'directory', order: 20, title: title('equipment'), right: 'read', component: Equipment },
  { id: 'training', group: 'directory', order: 30, title: title('training'), right: 'read', component: TrainingPage },
  {
    id: 'requests',
    group: 'directory',
    order: 40,
    title: title('requests'),
    right: 'signed_in',
    component: RequestsPage,
  },
];
