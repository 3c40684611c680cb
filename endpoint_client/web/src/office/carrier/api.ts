// What a carrier works with: when its lines are needed, and their faults; never a title, sound or picture.

import { get, post } from '../api';
import type { FaultState } from '../directory/api';

export interface CarrierSite {
  site: string;
  name: string;
  line_code: string;
  reserve_line: string;
}
export interface CarrierMeeting {
  conference: string;
  starts_at: string;
  ends_at: string;
  trial_at: string | null;
  trial_ends_at: string | null;
  under_way: boolean;
  sites: CarrierSite[];
}
export interface LineFault {
  id: string;
  revision: number;
  site: string;
  site_name: string;
  line_code: string;
  title: string;
  urgent: boolean;
  state: FaultState;
  reported_at: string;
  taken_by: string | null;
  outcome: string;
  figures: Record<string, unknown>;
}

export const meetings = () => get<CarrierMeeting[]>('/carrier/meetings');
export const faults = () => get<LineFault[]>('/directory/line-faults');
export const confirm = (fault: LineFault, state: 'in_progress' | 'done', outcome: string, key: string) =>
  post<LineFault>(
    `/directory/line-faults/${encodeURIComponent(fault.id)}/confirmation`,
    { revision: fault.revision, state, outcome },
    key,
  );
