// Names of organisations and sites by their ids, and who is signed in; fetched once a page.

import { desk } from '../../console/desk.svelte';
import { organisations, sites, type Organisation, type Site } from './api';
import type { Option } from './fields';

class Names {
  organisations = $state.raw<Organisation[]>([]);
  sites = $state.raw<Site[]>([]);
  #asked = false;

  async load(again = false): Promise<void> {
    if (this.#asked && !again) return;
    this.#asked = true;
    try {
      const [owners, places] = await Promise.all([
        organisations.list({ limit: 1000, active: 'all' }),
        sites.list({ limit: 1000, active: 'all' }),
      ]);
      this.organisations = owners.items;
      this.sites = places.items;
    } catch {
      this.#asked = false; // ids are shown instead; the page's own list tells what is wrong
    }
  }

  organisation(id: string | null): string {
    return this.organisations.find((one) => one.id === id)?.name ?? id ?? '';
  }

  site(id: string | null): string {
    return this.sites.find((one) => one.id === id)?.name ?? id ?? '';
  }

  get carriers(): Option[] {
    return this.organisations
      .filter((one) => one.kind === 'carrier')
      .map((one) => ({ value: one.id, label: one.name }));
  }

  /** Sites whose entries may be changed. */
  get mySites(): Option[] {
    return this.sites
      .filter((one) => one.active && maintains(one.organisation_id))
      .map((one) => ({ value: one.id, label: one.name }));
  }

  /** A new entry's site and organisation: the site's own goes before what was chosen. */
  owned(values: Record<string, unknown>): Record<string, unknown> {
    const place = this.sites.find((one) => one.id === values['site_id']);
    return place ? { ...values, organisation_id: place.organisation_id } : values;
  }

  get mine(): Option[] {
    return this.organisations
      .filter((one) => one.active && maintains(one.id))
      .map((one) => ({ value: one.id, label: one.name }));
  }
}

export const names = new Names();

/** The Sở's own staff; the server decides anyway. */
export function ofSo(): boolean {
  const user = desk.user;
  if (!user) return false;
  return ['administrator', 'officer'].includes(user.role) || (user.role === 'operator' && !user.organisation);
}

/** Whether the entries of an organisation may be changed. */
export function maintains(organisation: string): boolean {
  const user = desk.user;
  return (user?.rights?.includes('maintain') ?? false) && (ofSo() || user?.organisation === organisation);
}

export function decides(): boolean {
  return desk.user?.rights?.includes('decide') ?? false;
}
