// What the site page is doing: checking devices, in the meeting, gone.  Owns the devices and the seat.

import { socketUrl } from '../lib/api';
import { Devices, troubleOf, type Kind } from '../lib/devices.svelte';
import { LARGEST } from '../lib/hints';
import { language } from '../lib/i18n.svelte';
import { recall, remember } from '../lib/remember';
import { Seat } from '../lib/seat.svelte';

export type Step = 'check' | 'meeting' | 'left';

export class Session {
  step = $state<Step>('check');
  seat = $state.raw<Seat | null>(null);
  screen = $state.raw<MediaStreamTrack | null>(null);
  readonly devices = new Devices();
  readonly canShare = window.isSecureContext && !!navigator.mediaDevices?.getDisplayMedia;
  readonly #key: string;

  constructor(readonly token: string) {
    this.#key = `seat.${token}`;
    this.devices.onchange = (kind) => this.#send(kind);
    addEventListener('pagehide', () => this.seat?.abandon()); // the seat is kept: this may be a reload
  }

  /** Was this window in the meeting before it was reloaded? */
  get wasIn(): boolean {
    return recall(this.#key, 'sessionStorage') !== null;
  }

  join(): void {
    this.seat?.abandon();
    for (const { kind, trouble } of [this.devices.camera, this.devices.microphone]) {
      if (trouble) this.devices.without(kind); // the user has read why and joins nevertheless
    }
    const seat = new Seat({
      kind: 'site',
      url: socketUrl('/ws/v1/endpoint'),
      token: this.token,
      language,
      tracks: () => ({
        microphone: this.devices.microphone.sending,
        camera: this.devices.camera.sending,
        screen: this.screen,
      }),
      own: () => ({
        microphone: this.devices.microphone.sending !== null,
        camera: this.devices.camera.sending !== null,
        screen: this.screen !== null,
      }),
      remembered: recall(this.#key, 'sessionStorage') ?? undefined,
      remember: (id) => remember(this.#key, id, 'sessionStorage'),
    });
    this.seat = seat;
    this.step = 'meeting';
    seat.join();
  }

  leave(): void {
    this.seat?.leave();
    this.stop();
    this.step = 'left';
  }

  /** Release camera, microphone and screen. */
  stop(): void {
    this.#endScreen();
    this.devices.stop();
  }

  async toggle(kind: Kind): Promise<void> {
    const capture = this.devices[kind];
    await this.devices.turn(kind, !(capture.wanted && capture.track));
  }

  async toggleScreen(): Promise<void> {
    if (this.screen) {
      this.#endScreen();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: {
          width: { max: LARGEST.width },
          height: { max: LARGEST.height },
          frameRate: { ideal: 15, max: 30 },
        },
        audio: false,
      });
      const track = stream.getVideoTracks()[0];
      if (!track) return;
      track.contentHint = 'detail';
      track.onended = () => this.#endScreen(); // "stop sharing" of the browser itself
      this.screen = track;
      this.seat?.setTrack('screen', track);
    } catch (error) {
      if (troubleOf(error) !== 'denied') console.error('screen not shared:', error); // refused by the user: no fault
    }
  }

  #send(kind: Kind): void {
    this.seat?.setTrack(kind, this.devices[kind].sending);
  }

  #endScreen(): void {
    if (!this.screen) return;
    this.screen.onended = null;
    this.screen.stop();
    this.screen = null;
    this.seat?.setTrack('screen', null);
  }
}
