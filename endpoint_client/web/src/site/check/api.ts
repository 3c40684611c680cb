// A site's own check: the join token is the key, in the body and never in an address.

import { call } from '../../lib/api';

export type Verdict = 'pass' | 'remarks' | 'fail';
export type Item = 'sound_out' | 'sound_in' | 'picture_out' | 'picture_in' | 'line' | 'device';
export const ITEMS: Item[] = ['picture_out', 'picture_in', 'sound_out', 'sound_in', 'line', 'device'];

export interface CameraMeasured {
  width: number;
  height: number;
  frame_rate: number;
  brightness: number;
  contrast: number;
  frozen_s: number;
  seconds: number;
}
export interface MicrophoneMeasured {
  speech_dbfs: number;
  noise_dbfs: number;
  clipped: number;
  seconds: number;
}
export interface LoudspeakerMeasured {
  heard: boolean;
  tries: number;
  device: string;
}
export interface SoundLoopMeasured {
  sent: number;
  found: number;
  delay_ms: number | null;
  level_db: number | null;
}
export interface PictureLoopMeasured {
  returned: boolean;
  alike: number | null;
  delay_ms: number | null;
  frame_rate: number;
  width: number;
  height: number;
}
export interface LineMeasured {
  seconds: number;
  loss_up: number;
  loss_down: number;
  jitter_ms: number;
  rtt_ms: number;
  up_kbps: number;
  down_kbps: number;
  up_room_kbps: number | null;
}
export interface Measured {
  camera?: CameraMeasured;
  microphone?: MicrophoneMeasured;
  loudspeaker?: LoudspeakerMeasured;
  sound_loop?: SoundLoopMeasured;
  picture_loop?: PictureLoopMeasured;
  line?: LineMeasured;
}
export interface Sheet {
  leader: string;
  operator_name: string;
  operator_position: string;
  operator_phone: string;
  remark: string;
  tester: string;
  device_ready: boolean;
}
export interface Reason {
  item: Item;
  code: string;
  verdict: Verdict;
  vi: string;
  en: string;
}
export interface Check {
  id: string;
  at: string;
  verdict: Verdict;
  machine_verdict: Verdict;
  items: Record<Item, Verdict>;
  reasons: Reason[];
  leader: string;
  operator_name: string;
  operator_position: string;
  operator_phone: string;
}
export interface SiteCheck {
  conference_title: string;
  site: string;
  site_name: string;
  starts_at: string | null;
  latest: string | null;
  newest: Check | null;
  retest: string | null;
  speaker: boolean;
}
export interface Turn {
  state: 'waiting' | 'ready';
  place: number;
  token: string | null;
  seconds_left: number;
  ask_again: number;
}

export const open = (token: string) => call<SiteCheck>('POST', '/checks/by-token', { token });
export const room = (token: string) => call<Turn>('POST', '/checks/by-token/room', { token });
export const leave = (token: string) => call('POST', '/checks/by-token/leave', { token });
export const send = (body: {
  token: string;
  attempt: string;
  sheet: Sheet;
  measured: Measured;
  client: string;
  still: string | null;
}) => call<Check>('POST', '/checks/by-token/result', body);
